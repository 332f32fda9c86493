import Basics
import Formats
import Interactions
import Kernels
import LocalRanks
import Testing

/// Several ranks read what one rank reads: the same rows under the same vocabularies, with the same report, or the same error.
@Suite struct RankReadingTests {
    private static let golden = Files.parent(#filePath) + "/golden/"

    /// A table with ids of some kind: small, wide, beyond 32 bits, texts here and there. Some lines may be bad, some empty.
    private func table(
        _ random: inout RandomStream, rows: Int, separator: String, header: String?, columns: Int, badRows: Bool
    ) -> String {
        let kind = Int.random(in: 0..<5, using: &random)
        func id(_ random: inout RandomStream) -> String {
            let small = Int.random(in: 0..<40, using: &random)
            switch kind {
            case 0: return "\(small)"
            case 1: return "\(small << 26)"
            case 2: return "\(small << 40)"
            case 3: return ["é\(small)", "b\(small)", "\(small)", "00\(small)"].randomElement(using: &random)!
            default: return Int.random(in: 0..<30, using: &random) == 0 ? "x\(small)" : "\(small)"
            }
        }
        var lines = header.map { [$0] } ?? []
        for _ in 0..<rows {
            var fields = [
                id(&random), id(&random), "\(Int.random(in: 1...10, using: &random))",
                "\(Int.random(in: 0..<10_000, using: &random))",
            ]
            fields.removeLast(4 - columns)
            if badRows, Int.random(in: 0..<9, using: &random) == 0 {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: fields[0] = ""
                case 1: fields[columns - 1] = "\0"
                default: fields.append("more")
                }
            }
            lines.append(fields.joined(separator: separator))
            if Int.random(in: 0..<20, using: &random) == 0 { lines.append("") }
        }
        let end = Bool.random(using: &random) ? "\n" : ""
        return lines.joined(separator: Bool.random(using: &random) ? "\n" : "\r\n") + end
    }

    private func lists(_ random: inout RandomStream) -> String {
        let lengths = (0..<30).map { _ in Int.random(in: 0...9, using: &random) } + [6, 7, 8]
        return lengths.enumerated().map { user, count in
            (["\(user)"] + (0..<count).map { _ in "\(Int.random(in: 0..<50, using: &random))" }).joined(separator: " ")
        }.joined(separator: "\n")
    }

    @Test func text() throws {
        var random = RandomStream(seed: 41, .test)
        let forms: [(separator: String, header: String?, columns: Int)] = [
            (",", "user,item,rating,timestamp", 4), ("\t", nil, 4), ("::", nil, 3), (",", "user,item,rating", 3),
        ]
        for number in 0..<40 {
            let form = forms[number % forms.count]
            let badRows = number % 3 > 0
            let folder = TemporaryFolder()
            let files = number % 5 == 0 ? 3 : 1
            for file in 0..<files {
                // The form is told from the first line, which is whole.
                let first = (["7", "7", "3", "3"].prefix(form.columns)).joined(separator: form.separator) + "\n"
                let table = table(
                    &random, rows: Int.random(in: 0...40, using: &random), separator: form.separator, header: nil,
                    columns: form.columns, badRows: badRows)
                _ = try folder.write("part-\(file)", (form.header.map { $0 + "\n" } ?? "") + first + table)
            }
            for chunkSize in [1, 30, 4 << 20] {
                expectSameByRanks(folder.path + "/part-*", chunkSize: chunkSize) {
                    $0.separator = form.separator
                    let (user, item) = (ColumnMapping.Column.number(1), ColumnMapping.Column.number(2))
                    $0.columns = ColumnMapping(
                        user: user, item: item, value: .number(3), time: form.columns > 3 ? .number(4) : nil)
                    $0.skipsBadRows = badRows && number % 3 == 1
                    if number % 4 == 0 { ($0.duplicates, $0.minimumPerUser) = (.mean, 2) }
                }
            }
        }
    }

    @Test func listsAndSequences() throws {
        var random = RandomStream(seed: 42, .test)
        for _ in 0..<10 {
            let folder = TemporaryFolder()
            let path = try folder.write("lists", lists(&random))
            for chunkSize in [1, 25, 4 << 20] { expectSameByRanks(path, chunkSize: chunkSize) }
            for file in 0..<4 {
                _ = try folder.write(
                    "pairs-\(file)",
                    "1 2\n"
                        + table(&random, rows: 9, separator: " ", header: nil, columns: 2, badRows: false)
                        .replacing("\r", with: ""))
            }
            for chunkSize in [1, 25, 4 << 20] { expectSameByRanks(folder.path + "/pairs-*", chunkSize: chunkSize) }
        }
    }

    /// Ids that only some ranks meet turn out to be texts, or integers beyond 32 bits, far down the file.
    @Test func mixedKindsOfIDs() throws {
        for odd in ["u7,3,1", "3,é,1", "5000000000,3,1", "3,-4,1", "00,00,1"] {
            var lines = (0..<12_000).map { "\($0 * 7919 % 999),\($0 * 31 % 97 + 8),3.5" }
            for place in [9_500, 9_501, 11_900] { lines[place] = odd }
            let folder = TemporaryFolder()
            let path = try folder.write("data.csv", "user,item,rating\n" + lines.joined(separator: "\n"))
            for chunkSize in [7000, 20_000] { expectSameByRanks(path, chunkSize: chunkSize) }
        }
    }

    @Test func manyShortFiles() throws {
        let folder = TemporaryFolder()
        for file in 10..<40 { _ = try folder.write("\(file).csv", "user,item\n" + (file % 4 == 0 ? "" : "\(file),1")) }
        for chunkSize in [1, 9, 1000] { expectSameByRanks(folder.path + "/*.csv", chunkSize: chunkSize) }
        _ = try folder.write("37.csv", "user,item\n3\n")
        expectSameByRanks(folder.path + "/*.csv", chunkSize: 5)
    }

    @Test func nothingToRead() throws {
        let folder = TemporaryFolder()
        expectSameByRanks(try folder.write("header.csv", "user,item,rating\n"))
        expectSameByRanks(try folder.write("empty.csv", ""))
        expectSameByRanks(try folder.write("bad.csv", "user,item,rating\n1,2,x\n3,,1\n"), chunkSize: 3) {
            $0.skipsBadRows = true
        }
        expectSameByRanks(folder.path + "/absent.csv")
    }

    @Test func arrays() throws {
        for name in ["pairs", "pairs-deflated", "pairs-other", "texts", "texts-bytes", "sparse"] {
            for chunkSize in [16, 16 * 7, 4 << 20] {
                expectSameByRanks(Self.golden + name + ".npz", chunkSize: chunkSize) { $0.duplicates = .last }
            }
        }
        let folder = TemporaryFolder()
        var random = RandomStream(seed: 43, .test)
        for file in 0..<4 {
            let ids = (0..<30).map { _ in Int.random(in: 0..<9, using: &random) }
            let values = ids.map { $0 == 3 ? Float.nan : Float($0) }
            try NPZ.write(
                [
                    file < 2
                        ? NPYSource(name: "users", strings: ids.map { file == 0 ? "\($0)" : "u\($0)" })
                        : NPYSource(TensorSource(name: "users", ids.map { Int64($0) })),
                    NPYSource(TensorSource(name: "items", ids.map { UInt32($0) })),
                    NPYSource(TensorSource(name: "values", values)),
                ], to: folder.path + "/\(file).npz", compressed: file % 2 == 1)
        }
        for chunkSize in [16, 16 * 7, 4 << 20] {
            for skips in [true, false] {
                expectSameByRanks(folder.path + "/*.npz", chunkSize: chunkSize) { $0.skipsBadRows = skips }
            }
        }
    }

    @Test func pairs() throws {
        for source in ["x16x32_*.npz", "x16x32-c.npy", "x16x32-fortran.npy", "x16x32-big.npy", "x16x32_0.npz"] {
            for chunkSize in [64, 64 * 4, 4 << 20] { expectSameByRanks(Self.golden + source, chunkSize: chunkSize) }
        }
        let folder = TemporaryFolder()
        let ids = (0..<60).map { Int64($0 == 41 ? -1 : $0 == 7 ? 1 << 40 : $0) }
        try NPZ.write([TensorSource(name: "arr_0", ids, shape: [30, 2])], to: folder.path + "/pairs.npz")
        for skips in [true, false] {
            expectSameByRanks(folder.path + "/pairs.npz", chunkSize: 64) { $0.skipsBadRows = skips }
        }
    }

    @Test(arguments: [[], [MDSHash.xxh64]])
    func shards(hashes: [MDSHash]) throws {
        let folder = TemporaryFolder()
        for (name, limit, bad) in [("few", 1 << 20, false), ("many", 600, false), ("bad", 600, true)] {
            let writer = try MDSWriter(
                folder.path + "/" + name, columns: ["user": .string, "item": .int64, "rating": .float32],
                options: .init(hashes: hashes, sizeLimit: limit))
            for row in 0..<90 {
                let user = bad && row % 40 == 33 ? "" : row > 70 ? "u\(row)" : "\(row % 7)"
                try writer.write(["user": .string(user), "item": .int(Int64(row)), "rating": .float(Double(row))])
            }
            try writer.finish()
            for chunkSize in [64, 4 << 20] {
                for skips in [true, false] {
                    expectSameByRanks(folder.path + "/" + name, chunkSize: chunkSize) { $0.skipsBadRows = skips }
                }
            }
        }
        let folders = [folder.path + "/few", folder.path + "/many"]
        let results = LocalRanks.outcomes(2) { ranks in
            try InteractionReader.read(
                MDSFolder(folders[ranks.rank]), options: .init(), workers: Workers(threads: 1), ranks: ranks)
        }
        for error in results.errors { #expect(error?.what == "rank 1 has another index.json than rank 0") }
    }

    /// A source of rows that one rank alone may ask.
    private struct Table: InteractionSource {
        let isThere: Bool
        let location = "table"
        let form = "table"

        func columnNames() throws -> [String] {
            #expect(isThere)
            return ["user", "item", "time"]
        }

        func rows(
            _ columns: NamedColumns, to collector: inout InteractionCollector, cancellation: Cancellation?,
            progress: (Int, Int) -> Void
        ) throws {
            for row in 0..<50 {
                var item = row > 40 ? "é\(row)" : "\(row % 9)"
                try item.withUTF8 {
                    let user = row == 20 ? InteractionCollector.Cell.null : .integer(Int64(row % 4 - 1))
                    try collector.add(user: user, item: .text($0), value: .null, time: .integer(Int64(row)))
                }
            }
        }
    }

    @Test func tables() throws {
        for skips in [true, false] {
            expectSameByRanks { ranks in
                var options = ReadingOptions()
                options.skipsBadRows = skips
                return try InteractionReader.read(
                    Table(isThere: ranks.rank == 0), options: options, workers: Workers(threads: 1), ranks: ranks)
            }
        }
    }

    /// Each rank parses its part and no more.
    @Test func partsAreShared() throws {
        let folder = TemporaryFolder()
        let log = try load("user,item,rating\n" + (0..<600).map { "\($0 % 50),\($0 % 70),2\n" }.joined()).log
        let csv = folder.path + "/a.csv"
        try InteractionWriter.write(log, to: csv)
        try InteractionWriter.writeMDS(log, to: folder.path + "/shards", options: .init(sizeLimit: 1000))
        let pairs = folder.path + "/pairs.npy"
        try NPY.write(NPYSource(TensorSource(name: "", (0..<1200).map { Int64($0) }, shape: [600, 2])), to: pairs)
        for (source, chunkSize) in [(csv, 100), (folder.path + "/shards", 64), (pairs, 64)] {
            func totals(_ size: Int) -> [Int] {
                LocalRanks.outcomes(size) { ranks in
                    var total = 0
                    _ = try InteractionReader.read(
                        source, options: .init(), workers: Workers(threads: 1), progress: { total = $1 },
                        chunkSize: chunkSize, ranks: ranks)
                    return total
                }.compactMap { try? $0.get() }
            }
            let whole = totals(1)[0]
            for size in 2...3 {
                let parts = totals(size)
                #expect(parts.reduce(0, +) == whole && parts.allSatisfy { $0 * size < whole * 3 / 2 }, "\(source)")
            }
        }
    }

    /// Other data at one rank: named on all.
    @Test func otherFiles() throws {
        let folder = TemporaryFolder()
        let rows = "user,item,rating\n" + (0..<50).map { "\($0),1,1\n" }.joined()
        let paths = [
            try folder.write("a.csv", rows), try folder.write("b.csv", rows + "50,1,1\n"),
            try folder.write("c.csv", rows.replacing("\n7,1,1", with: "\n7,1,2")), try folder.write("d.csv", rows),
        ]
        func errors(_ sources: [String]) -> [StarlingError?] {
            LocalRanks.outcomes(sources.count) { ranks in
                try InteractionReader.read(
                    sources[ranks.rank], options: .init(), workers: Workers(threads: 1), chunkSize: 50, ranks: ranks)
            }.errors
        }
        #expect(errors([paths[0], paths[3], paths[0]]).allSatisfy { $0 == nil })
        for (sources, what) in [
            ([paths[0], paths[3], paths[1]], "rank 2 has another b.csv than rank 0 (\(rows.utf8.count + 7) bytes, "),
            ([paths[0], paths[2], paths[1]], "rank 1 has another c.csv than rank 0, though both have "),
            ([paths[1], folder.path + "/[acd].csv"], "rank 1 reads 3 files, and rank 0 a file"),
            (
                [paths[0], Self.golden + "../../FormatsTests/golden/mds/ratings"],
                "rank 1 reads shards, and rank 0 a file"
            ),
        ] {
            let errors = errors(sources)
            #expect(Set(errors.map { "\($0!)" }).count == 1 && errors[0]!.code == .badData)
            #expect(errors[0]!.what.hasPrefix(what), "\(errors[0]!)")
        }
        let absent = errors([paths[0], folder.path + "/absent"])
        for error in absent {
            #expect(error?.what == "rank 1: \(folder.path)/absent: there is no such file or folder")
        }
    }

    /// Nobody waits for ever for a rank that is gone.
    @Test func lostRanks() throws {
        let folder = TemporaryFolder()
        let path = try folder.write("a.csv", "user,item,rating\n1,2,3\n2,3,4\n5,6,7\n")
        let results = LocalRanks.outcomes(3) { ranks in
            if ranks.rank == 1 { throw StarlingError(.failed, "gone") }
            return try InteractionReader.read(
                path, options: .init(), workers: Workers(threads: 1), chunkSize: 9, ranks: ranks)
        }
        for rank in [0, 2] {
            #expect(results.errors[rank]?.code == .unavailable)
            #expect(results.errors[rank]?.what.contains("lost rank") == true)
        }
    }
}
