import Basics
import Formats
import Testing

@Suite struct MDSEncodingTests {
    @Test(
        arguments: [
            ("bytes", nil), ("str", nil), ("int", 8), ("uint8", 1), ("uint16", 2), ("uint32", 4), ("uint64", 8),
            ("int8", 1), ("int16", 2), ("int32", 4), ("int64", 8), ("float16", 2), ("float32", 4), ("float64", 8),
            ("str_int", nil), ("str_float", nil), ("str_decimal", nil), ("json", nil), ("ndarray", nil),
            ("ndarray:int16", nil), ("ndarray:float32:64", 256), ("ndarray:uint8:2,3,4", 24),
        ] as [(String, Int?)])
    func names(_ text: String, _ size: Int?) throws {
        let encoding = try MDSEncoding(text)
        #expect(encoding.description == text && encoding.size == size)
    }

    @Test(arguments: [
        ("pkl", "unsafe"), ("pil", "picture"), ("jpeg", "picture"), ("jpeg:90", "picture"), ("jpeg_array", "picture"),
        ("jpegarray", "picture"), ("png", "picture"), ("list[pil]", "picture"), ("", "not known"),
        ("Int", "not known"), ("int64:3", "takes nothing"), ("bool", "not known"), ("ndarray:bool", "not known"),
        ("ndarray:int8:3:4", "not known"), ("ndarray::3", "not known"), ("ndarray:int8:", "the shape"),
        ("ndarray:int8:0", "the shape"), ("ndarray:int8:-1", "the shape"), ("ndarray:int8:2,", "the shape"),
        ("ndarray:int8:4294967296", "the shape"), ("ndarray:int64:4294967296,4294967296", "the shape"),
        ("ndarray:int8:99999999999999999999", "the shape"),
    ])
    func refusedNames(_ text: String, _ words: String) {
        expectError(words, code: .usage, file: nil) { _ = try MDSEncoding(text) }
    }

    @Test(arguments: [
        ("int16", MDSValue.int(32768), "outside the range of int16"), ("uint8", .int(-1), "outside the range"),
        ("int64", .uint(1 << 63), "outside the range"), ("int64", .float(1), "a floating-point number cannot"),
        ("float32", .string("1"), "a string cannot be written as float32"),
        ("str", .int(1), "cannot be written as str"),
        ("json", .json("{"), "its JSON is damaged"), ("json", .json("[1,]"), "its JSON is damaged"),
        ("json", .json("[1] 2"), "nothing more is expected"), ("json", .json("01"), "leading zero"),
        ("json", .json(String(repeating: "[", count: 100_000)), "nested too deeply"),
        ("str_int", .decimal("1.5"), "cannot be written"), ("str_decimal", .decimal("1,5"), "cannot be written"),
        ("ndarray:int8", .array(MDSArray([1] as [Float])), "an array of float32 [1] cannot be written"),
        ("ndarray:float32:2", .array(MDSArray([1] as [Float])), "an array of float32 [1] cannot be written"),
        ("ndarray", .array(MDSArray([] as [Float])), "has no elements"),
        ("ndarray", .array(MDSArray([1] as [Float], shape: [])), "has no elements or not 1 to 63 axes"),
        ("ndarray", .array(MDSArray([1] as [Float], shape: .init(repeating: 1, count: 64))), "1 to 63 axes"),
        ("int16", .bytes([1]), "1 bytes are not the 2"), ("str", .bytes([0xFF]), "not UTF-8"),
    ])
    func refusedValues(_ encoding: String, _ value: MDSValue, _ words: String) {
        expectError(words, file: nil) {
            var cell: [UInt8] = []
            try MDSEncoding(encoding).encode(value, into: &cell)
        }
    }

    @Test(
        arguments: [
            ("int32", [1, 2, 3], "3 bytes are not the 4"), ("float64", [], "0 bytes are not the 8"),
            ("ndarray:int8:3", [1, 2], "2 bytes are not the 3"), ("str", [0xC3], "not UTF-8"),
            ("str_int", Array("1x".utf8), "not a whole number"), ("str_int", [], "not a whole number"),
            ("str_float", Array("0x1p3".utf8), "not a number"), ("str_float", Array(" 1".utf8), "not a number"),
            ("str_decimal", Array("1e".utf8), "not a decimal number"),
            ("json", Array("{\"a\":}".utf8), "its JSON is damaged"),
            ("ndarray", [], "ends within its head"), ("ndarray", [34], "ends within its head"),
            ("ndarray", [7, 4, 1, 0], "unknown element type, number 7"),
            ("ndarray:int8", [4, 2, 0], "does not take the 1"),
            ("ndarray:int8", [4, 0], "impossible size, 0"), ("ndarray:int8", [0], "has no axes"),
            ("ndarray:int8", [7] + .init(repeating: 0xFF, count: 8), "impossible size, 18446744073709551615"),
            (
                "ndarray:int64", [14, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
                "does not take the 0 bytes"
            ),
        ] as [(String, [UInt8], String)])
    func refusedCells(_ encoding: String, _ cell: [UInt8], _ words: String) {
        expectError(words, file: nil) { _ = try cell.withUnsafeBytes { try MDSEncoding(encoding).decode($0) } }
    }

    @Test func halves() {
        // Every number of 16 bits comes back, and what lies between goes to the nearest, ties to even.
        for bits in UInt16.min...UInt16.max {
            let value = Double(Float(half: bits))
            #expect(value.isNaN || UInt16(half: value) == bits)
        }
        #expect(UInt16(half: .nan) == 0x7E00)
        #expect(UInt16(half: 65519.99) == 0x7BFF && UInt16(half: 65520) == 0x7C00 && UInt16(half: -1e300) == 0xFC00)
        #expect(UInt16(half: 1 + 0x1p-11) == 0x3C00 && UInt16(half: 1 + 0x3p-11) == 0x3C02)
        #expect(UInt16(half: 1 + 0x1p-11 + 0x1p-40) == 0x3C01)
        #expect(UInt16(half: 0x1p-25) == 0 && UInt16(half: 0x1.8p-25) == 1 && UInt16(half: 0x1.FFFp-15) == 0x0400)
    }

    @Test func decimalsAndJSON() throws {
        for text in ["1", "-1.5", ".5", "5.", "1E+3", "1e-3", "NaN", "-sNaN12", "Infinity", "-inf"] {
            let cell = Array(text.utf8)
            #expect(try cell.withUnsafeBytes { try MDSEncoding.decimalText.decode($0) } == .decimal(text))
        }
        for text in ["{}", "[NaN, -Infinity, Infinity]", "-0.5e+10", "\"\\ud83c\\udfac\"", " [ ] "] {
            let cell = Array(text.utf8)
            #expect(try cell.withUnsafeBytes { try MDSEncoding.json.decode($0) } == .json(text))
        }
        let value: JSONValue = ["b": [1, 2.5, nil, true], "a": "é\u{7F}🎬\n", "c": .number(1.5e16)]
        let text = #"{"a": "\u00e9\u007f\ud83c\udfac\n", "b": [1, 2.5, null, true], "c": 1.5e+16}"#
        #expect(MDSValue.json(value) == .json(text))
    }

    @Test func arraysAsNumbers() {
        #expect(MDSArray([1, -2] as [Int32]).int64s() == [1, -2])
        #expect(MDSArray([1, -2] as [Int32]).floats() == [1, -2])
        #expect(MDSArray([1.5, -2] as [Double]).doubles() == [1.5, -2])
        #expect(MDSArray([1.5] as [Double]).int64s() == nil)
        #expect(MDSArray(.uint64, shape: [1], bytes: .init(repeating: 255, count: 8)).int64s() == nil)
        #expect(MDSArray(.float16, shape: [2], bytes: [0, 0x3C, 0, 0xC0]).floats() == [1, -2])
    }

    @Test(arguments: [
        ("br", "not supported"), ("br:5", "not supported"), ("bz2", "not supported"), ("snappy", "not supported"),
        ("lz4", "not known"), ("", "not known"), ("zstd:0", "no level"), ("zstd:23", "no level"), ("gz:10", "no level"),
        ("gz:", "no level"), ("gz:1:2", "no level"), ("gz:+1", "no level"),
    ])
    func refusedCompressions(_ text: String, _ words: String) {
        expectError(words, code: .usage, file: nil) { _ = try MDSCompression(text) }
    }

    @Test func refusedHashes() {
        for name in ["sha224", "blake2b", "shake_128", "crc32"] {
            expectError("the hash “\(name)” is not one", code: .usage, file: nil) { _ = try MDSHash(name: name) }
        }
    }
}
