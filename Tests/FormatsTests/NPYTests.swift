import Basics
import Formats
import Testing

@Suite struct NPYTests {
    @Test(arguments: [
        "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "bool", "scalar", "empty", "vector",
    ])
    func writesNumPysBytes(name: String) throws {
        let golden = try Golden.bytes(name + ".npy")
        let array = try NPY.read(bytes: golden, name: name)
        guard case .number(let type) = array.element else { throw StarlingError(.failed, "\(array.element)") }
        let source = TensorSource(name: name, elementType: type, shape: array.shape) { try array.withUnsafeBytes($0) }
        #expect(try Golden.written { try NPY.write(NPYSource(source), to: $0) } == golden)
    }

    @Test func writesNumPysStrings() throws {
        let words = ["", "Amélie", "羅生門", "🎬 film", "a"]
        let written = try Golden.written { try NPY.write(NPYSource(name: "words", strings: words), to: $0) }
        #expect(try written == Golden.bytes("unicode.npy"))
        let many = (0..<30_000).map { "id \($0)" }
        try Golden.withDirectory {
            try NPY.write(NPYSource(name: "ids", strings: many), to: $0 + "/ids.npy")
            #expect(try NPY.read($0 + "/ids.npy").strings() == many)
            try NPY.write(NPYSource(name: "ids", strings: []), to: $0 + "/none.npy")
            #expect(try NPY.read($0 + "/none.npy").strings() == [])
        }
    }

    @Test func refusesAStringThatNumPyWouldCut() throws {
        expectError("string 1 of “words” ends with a NUL", file: nil) {
            _ = try Golden.written { try NPY.write(NPYSource(name: "words", strings: ["a\0b", "a\0"]), to: $0) }
        }
    }
}
