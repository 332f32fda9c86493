import Formats
import Testing

@Suite struct FieldSplitterTests {
    private func split(_ line: String, _ separator: String) -> [String] {
        var splitter = FieldSplitter(separator: Array(separator.utf8))
        let bytes = Array(line.utf8)
        return bytes.withUnsafeBufferPointer { bytes in
            do throws(FieldSplitter.Fault) {
                try splitter.split(bytes)
            } catch {
                switch error {
                case .unterminatedQuote(let column): return ["unterminated at \(column)"]
                case .textAfterQuote(let column): return ["text at \(column)"]
                }
            }
            return splitter.fields.map { splitter.withBytes(of: $0, in: bytes) { String(decoding: $0, as: UTF8.self) } }
        }
    }

    @Test func plainFields() {
        #expect(split("1,2,3", ",") == ["1", "2", "3"])
        #expect(split("1,,3,", ",") == ["1", "", "3", ""])
        #expect(split("", ",") == [""])
        #expect(split(" a b , c", ",") == ["a b", "c"])
        #expect(split("a\t \tb", "\t") == ["a", "", "b"])
    }

    @Test func longSeparators() {
        #expect(split("1::2::3", "::") == ["1", "2", "3"])
        #expect(split("1:2:::3", "::") == ["1:2", ":3"])
        #expect(split("1::", "::") == ["1", ""])
        #expect(split("a<=>b", "<=>") == ["a", "b"])
    }

    @Test func runsOfSpaces() {
        #expect(split("1 2  3", " ") == ["1", "2", "3"])
        #expect(split("  1 2 ", " ") == ["1", "2"])
        #expect(split("   ", " ") == [])
    }

    /// RFC 4180, within a line.
    @Test func quotes() {
        #expect(split("\"a,b\",\"say \"\"hi\"\"\",\"\"", ",") == ["a,b", "say \"hi\"", ""])
        #expect(split("\" a \",b", ",") == [" a ", "b"])
        #expect(split("a\"b,c", ",") == ["a\"b", "c"])
        #expect(split("1,\"open", ",") == ["unterminated at 3"])
        #expect(split("1,\"a\"b,2", ",") == ["text at 6"])
        #expect(split("\"a\"::\"b\"", "::") == ["a", "b"])
        #expect(split("\"\"\"\"", ",") == ["\""])
    }
}
