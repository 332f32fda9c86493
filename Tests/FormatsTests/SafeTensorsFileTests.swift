import Basics
import Formats
import Testing

@Suite struct SafeTensorsFileTests {
    @Test func readsWhatThePackageWrote() throws {
        let file = try SafeTensorsFile(Golden.path("all.safetensors"))
        #expect(file.metadata == ["by": "make.py \"é\"\t/"])
        #expect(file.names.count == 16)
        #expect(file.names.first == "u64" && file.names.last == "bool")
        #expect(try file.tensor("f32").expect(.float32, shape: [3, 4]).floats() == (0..<12).map { Float($0 - 5) / 4 })
        #expect(try file.tensor("f64").doubles() == (0..<12).map { Double($0 - 5) / 4 })
        #expect(try file.tensor("i64").int64s() == (0..<12).map { $0 - 5 })
        #expect(try file.tensor("u32").uint32s() == Array(0..<12))
        #expect(try file.tensor("u8").bytes8() == Array(0..<12))
        #expect(try file.tensor("é/\"\\\n\u{1}\u{7F}\u{2028}🎬").bytes8() == Array(0..<5))
        #expect(try file.tensor("bf16").bytes.elementsEqual([0x80, 0x3F, 0, 0xC0]))
        #expect(try file.tensor("scalar").expect(shape: []).doubles() == [2.5])
        #expect(try file.tensor("empty").expect(.float32, shape: [0, 3]).floats() == [])
        #expect(try SafeTensorsFile(Golden.path("none.safetensors")).names == [])
    }

    /// Types that are handed on as they are.
    @Test func readsSmallTypes() throws {
        let file = try SafeTensorsFile(Golden.path("small.safetensors"))
        let types: [(String, ElementType)] = [
            ("float8_e5m2", .float8E5M2), ("float8_e4m3fn", .float8E4M3), ("float8_e8m0fnu", .float8E8M0),
            ("float8_e4m3fnuz", .float8E4M3FNUZ), ("float8_e5m2fnuz", .float8E5M2FNUZ), ("uint8", .uint8),
            ("int8", .int8), ("bool", .bool),
        ]
        for (name, type) in types {
            let tensor = try file.tensor(name).expect(type, shape: [3, 2])
            #expect(tensor.withUnsafeBytes { $0.elementsEqual(0..<6) }, "\(name)")
        }
        let complex = try file.tensor("complex64").expect(.complex64, shape: [3, 2])
        #expect(complex.bytes.count == 48 && complex.count == 6)
        #expect(complex.bytes.loadUnaligned(fromByteOffset: 4, as: Float.self) == -1)
        #expect(file.names.first == "float64" && file.names.dropFirst().first == "complex64")
    }

    @Test func aViewOutlivesItsFile() throws {
        let view = try SafeTensorsFile(Golden.path("plain.safetensors")).tensor("a")
        #expect(try view.floats() == (0..<5).map { Float($0 - 5) / 4 })
        #expect(view.count == 5)
    }

    @Test func askingForSomethingElse() throws {
        let path = Golden.path("plain.safetensors")
        let file = try SafeTensorsFile(path)
        #expect(file.contains("a") && !file.contains("c"))
        expectError("no tensor “c” among a, b, odd", code: .failed, file: path) { _ = try file.tensor("c") }
        expectError("tensor “b”: its elements are F32, I64", code: .failed, file: path) {
            _ = try file.tensor("b").int64s()
        }
        expectError("tensor “b”: its shape is [3, 4], [4, 3]", code: .failed, file: path) {
            try file.tensor("b").expect(shape: [4, 3])
        }
        expectError("it holds F32 [3, 4], F64 [3, 4]", code: .failed, file: path) {
            try file.tensor("b").expect(.float64, shape: [3, 4])
        }
    }

    @Test(arguments: [
        ("", 0, "“{” is expected"), ("[]", 0, "“{” is expected"), (" {}", 0, "“{” is expected"),
        (tensor("F4", "2", "0,1"), 1, "element type “F4” is not one of"),
        ("{", 0, "“\"” is expected"), ("{}x", 0, "nothing more"), ("{\"a\":", 0, "“{” is expected"),
        ("{}", 1, "1 bytes behind the last tensor"),
        (tensor("U9", "1", "0,1"), 1, "element type “U9” is not one of"),
        (tensor("U8", "2", "0,1"), 1, "takes 2 bytes, but its data_offsets [0, 1] span 1"),
        (tensor("U8", "1", "1,2"), 2, "begin at byte 1, those before it end at 0"),
        (tensor("U8", "1", "0,1"), 0, "end at byte 1, but the file holds only 0"),
        (tensor("U8", "1", "1,0"), 1, "are not a begin and an end"), (tensor("U8", "1", "0"), 1, "not a begin and an"),
        (tensor("U8", "-1", "0,1"), 1, "whole number of 0 or more"), (tensor("U8", "1.0", "0,1"), 1, "whole number"),
        (tensor("U8", "1e0", "0,1"), 1, "whole number"), (tensor("U8", "01", "0,1"), 1, "leading zero"),
        (tensor("U8", "9223372036854775808", "0,1"), 1, "too large"),
        (tensor("F64", "4294967296,4294967296", "0,0"), 0, "too large to be true"),
        (tensor("F64", "2305843009213693952", "0,0"), 0, "too large to be true"),
        ("{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, "key “data_offsets” is missing"),
        ("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "key “dtype” stands twice"),
        ("{\"a\":{\"type\":\"U8\"}}", 0, "key “type” in the header is not known"),
        (tensors("0,1", "0,1"), 1, "begin at byte 0, those before it end at 1"),
        (tensors("0,1", "2,3"), 3, "begin at byte 2, those before it end at 1"),
        (tensors("0,1", "1,2", second: "a"), 2, "tensor “a” stands twice"),
        (tensors("0,1", "1,2", second: "\\u0061"), 2, "tensor “a” stands twice"),
        ("{\"__metadata__\":{\"a\":1}}", 0, "“\"” is expected"),
        ("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "key “a” stands twice in the metadata"),
        ("{\"\\ud800\":{}}", 0, "half a surrogate pair"), ("{\"\\ud800\\u0041\":{}}", 0, "half a surrogate pair"),
        ("{\"\\u12g4\":{}}", 0, "four hexadecimal digits"), ("{\"\\x\":{}}", 0, "unknown escape"),
        ("{\"\n\":{}}", 0, "control character"), ("{\"a", 0, "a string has no end"),
    ])
    func refuses(header: String, data: Int, words: String) {
        let bytes = length(header.utf8.count) + header.utf8 + [UInt8](repeating: 0, count: data)
        expectError(words) { _ = try SafeTensorsFile(bytes: bytes, name: "x") }
    }

    @Test func refusesAWrongLength() {
        expectError("too few") { _ = try SafeTensorsFile(bytes: [1, 2], name: "x") }
        expectError("ends within its header") { _ = try SafeTensorsFile(bytes: length(3) + "{}".utf8, name: "x") }
        for count in [100_000_001, Int.max, -1] {
            expectError("its header would take") {
                _ = try SafeTensorsFile(bytes: length(count) + "{}".utf8, name: "x")
            }
        }
        expectError("is not UTF-8") {
            _ = try SafeTensorsFile(bytes: length(5) + [0x7B, 0x22, 0xFF, 0x22, 0x3A], name: "x")
        }
    }

    @Test func everyTruncationIsNoticed() throws {
        let whole = try Golden.bytes("all.safetensors")
        for count in 0..<whole.count {
            #expect(throws: StarlingError.self) { try SafeTensorsFile(bytes: whole[..<count], name: "x") }
        }
    }

    private func length(_ count: Int) -> [UInt8] {
        withUnsafeBytes(of: count.littleEndian) { Array($0) }
    }
}

private func tensor(_ type: String, _ shape: String, _ offsets: String, name: String = "a") -> String {
    "{\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}}"
}

/// Two tensors of one byte each.
private func tensors(_ one: String, _ two: String, second: String = "b") -> String {
    tensor("U8", "1", one).dropLast() + "," + tensor("U8", "1", two, name: second).dropFirst()
}
