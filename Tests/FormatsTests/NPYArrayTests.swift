import Basics
import Formats
import Testing

@Suite struct NPYArrayTests {
    @Test(arguments: ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"], ["", "big_"])
    func readsNumbers(code: String, order: String) throws {
        if order != "" && code.hasSuffix("1") { return }
        let array = try NPY.read(Golden.path("\(order)\(code).npy"))
        guard case .number(let type) = array.element else { throw StarlingError(.failed, "\(array.element)") }
        #expect(array.shape == [3, 4] && array.count == 12)
        #expect(array.isView == (order == ""))
        let values = (0..<12).map { Golden.value($0, type) }
        #expect(try array.doubles() == values)
        #expect(try array.floats() == values.map(Float.init))
        if code.hasPrefix("f") {
            let words = "element 0 of its <\(code), -1.25, is not exactly a Int64"
            expectError(words, file: Golden.path("\(order)\(code).npy")) { _ = try array.int64s() }
        } else {
            #expect(try array.int64s() == values.map { Int64($0) })
        }
    }

    @Test func readsOrdersShapesAndVersions() throws {
        for name in ["fortran", "big_fortran"] {
            let array = try NPY.read(Golden.path(name + ".npy")).expect(shape: [2, 3, 4])
            let scale = name == "fortran" ? 1.0 : 0.25
            #expect(try array.doubles() == (0..<24).map { Double($0 - 5) * scale })
            #expect(!array.isView)
        }
        #expect(try NPY.read(Golden.path("scalar.npy")).expect(shape: []).doubles() == [2.5])
        #expect(try NPY.read(Golden.path("empty.npy")).expect(shape: [0, 3]).floats() == [])
        #expect(try NPY.read(Golden.path("vector.npy")).int64s() == (0..<7).map { $0 - 5 })
        #expect(try NPY.read(Golden.path("bool.npy")).int64s() == (0..<12).map { $0 % 2 })
        for name in ["version2", "version3"] {
            #expect(try NPY.read(Golden.path(name + ".npy")).floats() == (0..<12).map { Float($0 - 5) / 4 })
        }
    }

    @Test func readsText() throws {
        let words = ["", "Amélie", "羅生門", "🎬 film", "a"]
        #expect(try NPY.read(Golden.path("unicode.npy")).strings() == words)
        #expect(try NPY.read(Golden.path("big_unicode.npy")).strings() == words)
        #expect(try NPY.read(Golden.path("bytes.npy")).strings() == ["one", "", "zwölf"])
        #expect(try NPY.read(Golden.path("unicode.npy")).element == .unicode(length: 6))
    }

    @Test func refusesToChangeValues() throws {
        expectError("element 1 of its <i8, 16777217, is not exactly a Float") {
            _ = try array("<i8", "(2,)", [0, 16_777_217] as [Int64]).floats()
        }
        expectError("9007199254740993") { _ = try array("<i8", "(1,)", [9_007_199_254_740_993] as [Int64]).doubles() }
        expectError("element 0 of its <u8") { _ = try array("<u8", "(1,)", [UInt64.max]).int64s() }
        expectError("0.1, is not exactly a Float") { _ = try array("<f8", "(1,)", [0.1]).floats() }
        expectError("nan") { _ = try array("<f8", "(1,)", [Double.nan]).int64s() }
        #expect(
            try array("<f8", "(3,)", [.nan, .infinity, -0.0]).floats().map(\.description) == ["nan", "inf", "-0.0"])
        #expect(try array("<f8", "(2,)", [3.0, -4.0]).int64s() == [3, -4])
        expectError("holds text (|S1)") { _ = try array("|S1", "(1,)", [65] as [UInt8]).floats() }
        expectError("holds numbers (|u1)") { _ = try array("|u1", "(1,)", [65] as [UInt8]).strings() }
        expectError("element 0 of its |S1 is not valid text") {
            _ = try array("|S1", "(1,)", [0xFF] as [UInt8]).strings()
        }
        expectError("element 1 of its <U1 is not") { _ = try array("<U1", "(2,)", [65, 0xD800] as [UInt32]).strings() }
        expectError("its shape is [1], [2] is expected", code: .failed) {
            try array("|u1", "(1,)", [0 as UInt8]).expect(shape: [2])
        }
    }

    @Test func halvesAreExact() throws {
        let bits: [UInt16] = [0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0x7C00, 0xFC00, 0x8000, 0xC000]
        let values: [Float] = [0x1p-24, 0x1.ff8p-15, 0x1p-14, 1, 65504, .infinity, -.infinity, -0.0, -2]
        #expect(try array("<f2", "(9,)", bits).floats().map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try array("<f2", "(1,)", [0x7E00] as [UInt16]).floats()[0].isNaN)
    }

    @Test(arguments: [
        "{'shape': (2,), 'descr': '<u2', 'fortran_order': False}",
        "{\"descr\":\"u2\",'fortran_order':True,'shape':(2L,)} ",
        "{ 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '=u2' , }\n",
    ])
    func readsAnyLayoutOfTheHeader(header: String) throws {
        #expect(try NPY.read(bytes: npy(header, [1, 0, 2, 0]), name: "x").int64s() == [1, 2])
    }

    @Test(arguments: [
        ("{'descr': '<i4', 'fortran_order': False}", "'shape' is missing"),
        ("{'descr': '<i4', 'descr': '<i4'}", "a second 'descr'"), ("{'order': 'C'}", "unknown key 'order'"),
        ("{'shape': (1)}", "“,” is expected"), ("{'shape': [1]}", "“(” is expected"),
        ("{'shape': (-1,)}", "whole number"),
        ("{'shape': (01,)}", "leading zero"), ("{'shape': (1.5,)}", "whole number"),
        ("{'shape': (99999999999999999999,)}", "too large"), ("{'fortran_order': 0}", "True or False"),
        ("{'descr': '<i\\x34'}", "not allowed"), ("{'descr': 'i4", "no end"), ("", "“{” is expected"),
        (header("<i4", "(4611686018427387904,)"), "too large to be true"),
        (header("<i4", "(4294967296, 4294967296, 0)"), "too large to be true"),
        (header("<i4", "(2,)"), "promises 8 bytes of data, 4 of them are missing"),
        (header("|u1", "(3,)"), "promises 3 bytes of data, 1 more follow"),
        (header("<U0", "(4,)"), "its elements have no bytes"),
        (header("<U99999999999", "()"), "“<U99999999999” is not"),
        (header("<M8[s]", "()"), "element type “<M8[s]” is not"), (header("<f16", "()"), "“<f16” is not"),
        (header("<i4", "(" + String(repeating: "1,", count: 65) + ")"), "65 axes"),
        (header("<i4", "(1,)") + "x", "nothing more"),
    ])
    func refuses(header: String, words: String) {
        expectError(words) { _ = try NPY.read(bytes: npy(header, [0, 0, 0, 0]), name: "x") }
    }

    @Test func refusesWhatIsNotAnArray() throws {
        expectError("not a NumPy array") { _ = try NPY.read(bytes: Array("PK\u{3}\u{4}".utf8), name: "x") }
        expectError("Python objects", file: Golden.path("object.npy")) { _ = try NPY.read(Golden.path("object.npy")) }
        expectError("several fields", file: Golden.path("records.npy")) { _ = try NPY.read(Golden.path("records.npy")) }
        expectError("“<c8” is not a", file: Golden.path("complex.npy")) { _ = try NPY.read(Golden.path("complex.npy")) }
        var bytes = try Golden.bytes("f4.npy")
        bytes[6] = 4
        expectError("version 4.0") { _ = try NPY.read(bytes: bytes, name: "x") }
        bytes[6] = 1
        for count in 0..<bytes.count { expectError("") { _ = try NPY.read(bytes: bytes[..<count], name: "x") } }
    }

    private func array<Element>(_ descr: String, _ shape: String, _ values: [Element]) throws -> NPYArray {
        try NPY.read(bytes: npy(header(descr, shape), values.withUnsafeBytes { Array($0) }), name: "x")
    }

    private func npy(_ header: String, _ data: [UInt8]) -> [UInt8] {
        [0x93] + "NUMPY\u{1}\0".utf8 + [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + header.utf8
            + data
    }
}

private func header(_ descr: String, _ shape: String) -> String {
    "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape)}"
}
