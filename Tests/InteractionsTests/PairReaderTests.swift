import Basics
import Formats
import Interactions
import Kernels
import Testing

/// NumPy archives and arrays of `[n × 2]` pairs.
@Suite struct PairReaderTests {
    private static let folder = Files.parent(#filePath) + "/golden/"

    private func pairs(_ ids: [Int64], shape: [Int]? = nil) -> TensorSource {
        TensorSource(name: "arr_0", ids, shape: shape ?? [ids.count / 2, 2])
    }

    /// What NumPy wrote: compressed and not, several integer types, both byte orders, both array orders, and no pairs.
    @Test func agreesWithText() throws {
        let text = try read(Self.folder + "x16x32.csv")
        #expect(text.log.count == 90)
        for (threads, chunk) in [(1, 4 << 20), (2, 64), (3, 64 * 4), (3, 64 * 15)] {
            let loaded = try read(Self.folder + "x16x32_*.npz", threads: threads, chunkSize: chunk)
            #expect(loaded.log.rows == text.log.rows)
            let workers = Workers(threads: 2)
            #expect(loaded.log.fingerprint(workers: workers) == text.log.fingerprint(workers: workers))
            #expect(loaded.log.values == nil && loaded.log.times == nil)
            #expect(loaded.report.rowsRead == 90 && loaded.report.format == "NumPy arrays of pairs: user, item")
        }
        let merged = try read(Self.folder + "x16x32_*.npz") { $0.duplicates = .last }
        #expect(merged.log.rows == (try read(Self.folder + "x16x32.csv") { $0.duplicates = .last }).log.rows)
    }

    /// Arrays in files of their own: as NumPy saved them, in both orders of axes and bytes, by themselves and beside archives.
    @Test func singleArrays() throws {
        for name in ["c", "fortran", "big"] {
            for (threads, chunk) in [(1, 4 << 20), (2, 64), (3, 64 * 4)] {
                let loaded = try read(Self.folder + "x16x32-\(name).npy", threads: threads, chunkSize: chunk)
                #expect(loaded.log.rows == (try read(Self.folder + "x16x32_0.npz")).log.rows, "\(name)")
            }
        }
        let folder = TemporaryFolder()
        for (file, name) in [("a.npz", "x16x32_0.npz"), ("b.npy", "x16x32-big.npy"), ("c.npz", "x16x32_10.npz")] {
            _ = try folder.write(file, try Files.read(Self.folder + name))
        }
        let mixed = try read(folder.path + "/*", threads: 3, chunkSize: 64)
        let one = try read(Self.folder + "x16x32_0.npz").log.rows
        #expect(mixed.log.rows == one + one + (try read(Self.folder + "x16x32_10.npz")).log.rows)
        for option in ["columns", "separator"] {
            let error = failure {
                _ = try read(Self.folder + "x16x32-c.npy") {
                    if option == "columns" { $0.columns = try? ColumnMapping(parsing: "user=a,item=b") }
                    if option == "separator" { $0.separator = "," }
                }
            }
            #expect(error?.code == .usage && error?.what.contains("--\(option)") == true)
        }
        let formats = Files.parent(#filePath) + "/../FormatsTests/golden/"
        for (name, words) in [
            ("vector", "its shape is [7], pairs [n × 2]"), ("object", "holds Python objects"),
        ] {
            let error = failure { _ = try read(formats + name + ".npy") }
            #expect(error?.code == .badData && error?.what.contains(words) == true, "\(String(describing: error))")
        }
        var bytes = try Files.read(Self.folder + "x16x32-c.npy")
        bytes.removeLast(3)
        let cut = failure { _ = try read(try folder.write("cut.npy", bytes)) }
        #expect(cut?.code == .badData && cut?.what.contains("3 of them are missing") == true)
        try NPY.write(NPYSource(pairs([1, 2, 3, -4])), to: folder.path + "/minus.npy")
        let minus = failure { _ = try read(folder.path + "/minus.npy") }
        #expect(minus?.what == "array[1, 1] is -4, not a whole number of 0 or more")
    }

    /// A folder of nothing but archives is read as all of them.
    @Test func aFolderOfPairs() throws {
        let folder = TemporaryFolder()
        for name in ["x16x32_0.npz", "x16x32_10.npz"] {
            _ = try folder.write(name, try Files.read(Self.folder + name))
        }
        #expect(try read(folder.path).log.rows == (try read(folder.path + "/*.npz")).log.rows)
        _ = try folder.write("README", "text")
        #expect(failure { _ = try read(folder.path) }?.code == .badData)
    }

    @Test func wideIDs() throws {
        let folder = TemporaryFolder()
        // The second file makes text of what the first took for integers.
        let wide: [Int64] = [1 << 32, 7, Int64(UInt32.max), 3, .max, 7]
        try NPZ.write([pairs([5, 1, 0, 2])], to: folder.path + "/a.npz", compressed: true)
        try NPZ.write([pairs(wide)], to: folder.path + "/b.npz", compressed: true)
        for threads in 1...3 {
            let loaded = try read(folder.path + "/*.npz", threads: threads, chunkSize: 64)
            #expect(
                loaded.log.rows == [
                    Row("5", "1"), Row("0", "2"), Row("4294967296", "7"), Row("4294967295", "3"),
                    Row("9223372036854775807", "7"),
                ])
        }
        let unsigned = TensorSource(name: "x", elementType: .uint64, shape: [1, 2]) { sink in
            try [UInt64.max, 0].withUnsafeBytes(sink)
        }
        try NPZ.write([unsigned], to: folder.path + "/c.npz")
        #expect(try read(folder.path + "/c.npz").log.rows == [Row("18446744073709551615", "0")])
    }

    @Test func leavesBadRowsOut() throws {
        let folder = TemporaryFolder()
        try NPZ.write([pairs([1, 2, 3, -4, 5, 6])], to: folder.path + "/a.npz", compressed: true)
        try NPZ.write([pairs([-1, -2, 7, 8])], to: folder.path + "/b.npz")
        for chunk in [64, 4 << 20] {
            let error = failure { _ = try read(folder.path + "/*.npz", threads: 3, chunkSize: chunk) }
            #expect(error?.code == .badData && error?.place.file?.hasSuffix("/a.npz") == true)
            #expect(error?.what == "array “arr_0”: arr_0[1, 1] is -4, not a whole number of 0 or more")
            let loaded = try read(folder.path + "/*.npz", threads: 3, chunkSize: chunk) { $0.skipsBadRows = true }
            #expect(loaded.log.rows == [Row("1", "2"), Row("5", "6"), Row("7", "8")])
            #expect(loaded.report.refused.values.reduce(0, +) == 2)
            #expect(loaded.report.firstOffenders.map(\.line) == [2, 1])
        }
        let error = failure {
            try NPZ.write([pairs([-1, 1])], to: folder.path + "/c.npz")
            _ = try read(folder.path + "/c.npz") { $0.skipsBadRows = true }
        }
        #expect(error?.what.contains("no row can be read") == true)
    }

    @Test func refusesWhatIsNoPairs() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.npz"
        func refuse(_ words: String, _ array: TensorSource, code: StarlingError.Code = .badData) throws {
            try NPZ.write([array], to: path)
            let error = failure { _ = try read(path) }
            #expect(error?.code == code && error?.place.file == path, "\(String(describing: error))")
            #expect(error?.what.contains(words) == true, "\(String(describing: error))")
        }
        try refuse("its shape is [2, 3], pairs [n × 2]", pairs([1, 2, 3, 4, 5, 6], shape: [2, 3]))
        try refuse("its shape is [1, 1]", pairs([1], shape: [1, 1]))
        try refuse("holds <f8, integers are expected", TensorSource(name: "a", [1, 2] as [Double], shape: [1, 2]))
        try refuse("its arrays hold no interactions", pairs([]))
        try refuse("its arrays hold no interactions", TensorSource(name: "arr_0", [] as [Double]))
        try NPZ.write([pairs([1, 2])], to: path)
        #expect(failure { _ = try read(path) { $0.separator = "," } }?.code == .usage)
        // Files that are not of one form.
        try NPZ.write([pairs([1, 2]), TensorSource(name: "b", [1] as [Int64])], to: folder.path + "/y.npz")
        let error = failure { _ = try read(folder.path + "/*.npz") }
        #expect(error?.place.file?.hasSuffix("/y.npz") == true && error?.what.contains("holds 2 arrays") == true)
    }

    /// Damage that shows only at the end of a file.
    @Test func checksumsAreLookedAt() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.npz"
        try NPZ.write([pairs((0..<4000).map { $0 % 300 })], to: path)
        var bytes = try Files.read(path)
        bytes[bytes.count / 2] ^= 1
        let error = failure { _ = try read(try folder.write("y.npz", bytes), chunkSize: 64) }
        #expect(error?.code == .badData && error?.what.contains("checksum (CRC-32)") == true)
    }

    @Test func canBeCancelled() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        let error = failure {
            _ = try InteractionReader.read(
                Self.folder + "x16x32_*.npz", options: ReadingOptions(), workers: Workers(threads: 2),
                cancellation: cancellation)
        }
        #expect(error?.code == .interrupted)
    }
}
