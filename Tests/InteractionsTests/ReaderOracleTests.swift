import Basics
import Interactions
import Kernels
import Testing

/// The reader against ``PlainReader`` on generated and damaged files, with chunks of 1, 7 and 64 bytes and of more,
/// on 1 to 3 threads, with every instruction set.
@Suite struct ReaderOracleTests {
    struct Table {
        var reader: PlainReader
        var bytes: [UInt8]
        var columns: ColumnMapping
    }

    /// Ids of one kind for a column: small integers, wide ones, ones beyond 32 bits, text, or a mixture.
    private func ids(_ random: inout RandomStream) -> (inout RandomStream) -> String {
        let kind = Int.random(in: 0..<9, using: &random)
        return { random in
            switch kind {
            case 0...2: "\(Int.random(in: 0..<30, using: &random))"
            case 3: "\(UInt32.random(in: 0..<UInt32.max, using: &random))"
            case 7: "\(Int.random(in: 0..<1 << 27, using: &random))"
            case 4: "\(Int64.random(in: -5...5, using: &random))"
            case 5: "\(Int64.random(in: (1 << 40)...((1 << 40) + 50), using: &random))"
            case 6: ["a", "b", "zebra", "é", "日本", "a b", "12", "3", "0012"].randomElement(using: &random)!
            default: Int.random(in: 0..<20, using: &random) == 0 ? "x" : "\(Int.random(in: 0..<9, using: &random))"
            }
        }
    }

    private func table(_ random: inout RandomStream) -> Table {
        let separator = [",", "\t", "::", " ", "|", ";", "<=>", ".", "-"].randomElement(using: &random)!
        let hasValue = Int.random(in: 0..<4, using: &random) > 0
        let hasTime = Bool.random(using: &random)
        let extra = Int.random(in: 0..<4, using: &random) == 0
        let hasHeader = Bool.random(using: &random)
        var names = ["user", "item"]
        if hasValue { names.append("rating") }
        if hasTime { names.append("timestamp") }
        if extra { names.append("note") }
        let (userID, itemID) = (ids(&random), ids(&random))
        let values = [
            "1", "4.5", "0.5", "-2", "3.14159274", "16777217", "1e3", ".5", "5.", "1234567", "0.1234567", "12345678.9",
        ]
        let end = Int.random(in: 0..<4, using: &random) == 0 ? "\r\n" : "\n"
        func field(_ text: String, _ random: inout RandomStream) -> String {
            switch Int.random(in: 0..<40, using: &random) {
            case 0: return "\"\(text)\""
            case 1 where !" \(text) ".contains(separator): return " \(text) "
            default: return text.contains(separator) ? "\"\(text)\"" : text
            }
        }
        var lines: [String] = []
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            var fields = [field(userID(&random), &random), field(itemID(&random), &random)]
            if hasValue { fields.append(field(values.randomElement(using: &random)!, &random)) }
            if hasTime {
                let time = "\(Int64.random(in: -9...2_000_000_000, using: &random))"
                fields.append(Int.random(in: 0..<9, using: &random) == 0 ? time + ".75" : time)
            }
            if extra { fields.append(["note", "\"a \"\"b\"\"\"", "7"].randomElement(using: &random)!) }
            lines.append(fields.joined(separator: separator))
            if Int.random(in: 0..<30, using: &random) == 0 { lines.append("") }
        }
        let header = names.joined(separator: separator)
        if hasHeader { lines.insert(header, at: 0) }
        var text = lines.joined(separator: end)
        if Bool.random(using: &random) { text += end }
        var bytes = Array(text.utf8)
        if Int.random(in: 0..<6, using: &random) == 0 { bytes = [0xEF, 0xBB, 0xBF] + bytes }
        let value = hasValue ? 2 : nil
        let time = hasTime ? 2 + (hasValue ? 1 : 0) : nil
        func column(_ index: Int) -> ColumnMapping.Column { hasHeader ? .name(names[index]) : .number(index + 1) }
        return Table(
            reader: PlainReader(
                separator: separator, columns: names.count, value: value, time: time, header: hasHeader ? header : nil),
            bytes: bytes,
            columns: ColumnMapping(
                user: column(0), item: column(1), value: value.map(column), time: time.map(column)))
    }

    /// Compares what both make of a file, skipping bad rows and stopping at them.
    private func compare(
        _ table: Table, chunkSize: Int, threads: Int, _ set: InstructionSet = .best, _ comment: Comment
    ) {
        let expected = table.reader.read(table.bytes)
        func options(_ options: inout ReadingOptions) {
            options.separator = table.reader.separator
            options.columns = table.columns
        }
        do {
            let loaded = try load(table.bytes, threads: threads, chunkSize: chunkSize, instructionSet: set) {
                options(&$0)
                $0.skipsBadRows = true
            }
            #expect(loaded.log.rows == expected.rows, comment)
            #expect(loaded.report.refused == expected.refused, comment)
            #expect(loaded.report.firstOffenders.map(\.line) == Array(expected.badLines.prefix(5)), comment)
            #expect(loaded.log.users.rawIDs == Vocabulary<UserRow>(expected.rows.map(\.user)).rawIDs, comment)
            #expect(loaded.log.items.rawIDs == Vocabulary<ItemRow>(expected.rows.map(\.item)).rawIDs, comment)
        } catch {
            #expect(expected.rows.isEmpty, "\(error) \(comment)")
        }
        let error = failure {
            _ = try load(table.bytes, threads: threads, chunkSize: chunkSize, instructionSet: set, options)
        }
        if let first = expected.badLines.first {
            #expect(error?.place.line == first, comment)
        } else {
            #expect((error == nil) == !expected.rows.isEmpty, "\(error?.description ?? "") \(comment)")
        }
    }

    @Test func generatedFiles() {
        var random = RandomStream(seed: 11, .test)
        for number in 0..<300 {
            let table = table(&random)
            let text = String(decoding: table.bytes, as: UTF8.self)
            for (place, chunkSize) in [1, 7, 64, 4 << 20].enumerated() {
                let sets = InstructionSet.here
                compare(
                    table, chunkSize: chunkSize, threads: 1 + number % 3, sets[(number + place) % sets.count],
                    "file \(number), chunks of \(chunkSize):\n\(text)")
            }
        }
    }

    /// Damaged files: bytes changed, put in, taken out, pieces doubled. `STARLING_FUZZ_CASES` sets how many.
    @Test func damagedFiles() {
        let cases = min(200_000, environment("STARLING_FUZZ_CASES").flatMap { Int($0) } ?? 5000)
        var random = RandomStream(seed: 12, .test)
        let spice = Array("\n\n\r,\t:| ;\"\"\0.-+e0195xN".utf8) + [0xC3, 0xFF, 0xE2]
        var compared = 0
        for number in 0..<cases {
            var table = table(&random)
            // The form is given, so that only the rows are at stake: the header and the first line stay whole.
            let newlines = table.bytes.indices.filter { table.bytes[$0] == 10 }
            guard let firstLine = newlines.dropFirst(table.reader.header == nil ? 0 : 1).first else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &random) where table.bytes.count > firstLine + 1 {
                let place = Int.random(in: firstLine + 1..<table.bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: table.bytes[place] = spice.randomElement(using: &random)!
                case 1: table.bytes.insert(spice.randomElement(using: &random)!, at: place)
                case 2:
                    table.bytes.removeSubrange(
                        place..<min(table.bytes.count, place + Int.random(in: 1...5, using: &random)))
                default: table.bytes.insert(contentsOf: table.bytes[max(0, place - 20)..<place], at: place)
                }
            }
            // Without a header the number of columns is that of most lines, which damage may change.
            if table.reader.header == nil, columnCount(table) != table.reader.columns { continue }
            compared += 1
            let chunkSize = [1, 7, 64, 4 << 20][number % 4]
            compare(
                table, chunkSize: chunkSize, threads: number % 8 == 0 ? 3 : 1,
                InstructionSet.here[number / 4 % InstructionSet.here.count],
                "case \(number), chunks of \(chunkSize): \(table.bytes)")
        }
        #expect(compared * 2 > cases)
    }

    /// Ids turn out to be text, or bad rows to be there, only beyond the sample that the form is told from.
    @Test func surprisesFarDownTheFile() throws {
        var random = RandomStream(seed: 13, .test)
        let reader = PlainReader(separator: ",", columns: 3, value: 2, header: "user,item,rating")
        // What the sample shows is not tried as integers, so odd ids must stand beyond it to meet the plain parser.
        let odd = [
            "u7", "007", "00", "-1", "+1", "4294967294", "4294967295", "42949672950", "1.0", "\"5\"", " 5 ", "5 5",
        ]
        let oddRows = odd.flatMap { [["\($0),3,1"], ["3,\($0),1"]] }
        let oddValues = ["-0", "1.5.", ".", "-", "12345678", "1234567.8", "1.2345678", "1e2", "5.", ".5", "1\r"]
        // Decimals with more digits than a float holds exactly, which one division would round wrongly.
        let longValues = (0..<100).map { _ in
            "3,4,\(Int.random(in: 2...99, using: &random)).\(Int.random(in: 1_000_000...9_999_999, using: &random))"
        }
        for surprises in oddRows + oddValues.map({ ["3,4,\($0)"] }) + [
            ["u7,3,1", "3,i7,1"], ["u7,3,x"], ["3,i7,1", "1,2,x", "u7,1,1"], longValues,
        ] {
            var lines = (0..<12_000).map { _ in
                "\(Int.random(in: 0..<999, using: &random)),\(Int.random(in: 0..<99, using: &random)),3.5"
            }
            for surprise in surprises { lines[Int.random(in: 9000..<12_000, using: &random)] = surprise }
            let bytes = Array(("user,item,rating\n" + lines.joined(separator: "\n")).utf8)
            let mapping = ColumnMapping(user: .number(1), item: .number(2), value: .number(3))
            for (threads, chunkSize) in [(1, 4 << 20), (3, 500)] {
                let table = Table(reader: reader, bytes: bytes, columns: mapping)
                let set = InstructionSet.here.randomElement(using: &random)!
                compare(table, chunkSize: chunkSize, threads: threads, set, "\(surprises), chunks of \(chunkSize)")
            }
        }
    }

    @Test func generatedLists() throws {
        var random = RandomStream(seed: 14, .test)
        for _ in 0..<100 {
            var expected: [Row] = []
            var text = ""
            for user in 0..<Int.random(in: 2...30, using: &random) {
                let items = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                    "\(Int.random(in: 0..<50, using: &random))"
                }
                expected += items.map { Row("\(user)", $0) }
                text +=
                    (["\(user)"] + items).joined(separator: " ") + ["\n", " \n", "\r\n"].randomElement(using: &random)!
            }
            // Enough of one length to tell the form by, whatever came before.
            text += "90 1 2 3 4 5 6\n91 1 2 3 4 5 6 7\n92\n"
            for (user, count) in [("90", 6), ("91", 7)] { expected += (1...count).map { Row(user, "\($0)") } }
            for chunkSize in [1, 7, 64] {
                let loaded = try load(text, chunkSize: chunkSize)
                #expect(loaded.log.rows == expected, "\(text)")
            }
        }
    }

    /// The commonest number of fields, as the reader takes it where no header says.
    private func columnCount(_ table: Table) -> Int {
        var counts: [Int: Int] = [:]
        for line in table.reader.lines(table.bytes) { counts[table.reader.fieldCount(line), default: 0] += 1 }
        return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }!.key
    }
}
