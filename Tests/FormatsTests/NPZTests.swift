import Basics
import Formats
import Testing

@Suite struct NPZTests {
    private let arrays = [
        NPYSource(TensorSource(name: "factors", (0..<12).map { Float($0 - 5) / 4 }, shape: [3, 4])),
        NPYSource(TensorSource(name: "rows", (0..<7).map { Int64($0 - 5) })),
        NPYSource(name: "titles", strings: ["Heat", "Amélie"]),
        NPYSource(TensorSource(name: "mean", [2.5] as [Double], shape: [])),
    ]

    @Test func writesNumPysBytes() throws {
        #expect(try Golden.written { try NPZ.write(arrays, to: $0) } == Golden.bytes("stored.npz"))
        let accent = TensorSource(name: "é", (0..<12).map { Float($0 - 5) / 4 }, shape: [3, 4])
        #expect(try Golden.written { try NPZ.write([accent], to: $0) } == Golden.bytes("accent.npz"))
    }

    /// All but the compressed bytes is as NumPy has it, and they come back.
    @Test func writesCompressed() throws {
        let zeros = NPYSource(TensorSource(name: "zeros", [Double](repeating: 0, count: 2000), shape: [50, 40]))
        let random = (0..<100_000).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
        let pieces = TensorSource(name: "pieces", elementType: .uint32, shape: [100_000]) { sink in
            try sink(.init(start: nil, count: 0))
            for start in stride(from: 0, to: random.count, by: 10_000) {
                try random[start..<start + 10_000].withUnsafeBytes(sink)
            }
            try sink(.init(start: nil, count: 0))
        }
        let none = NPYSource(TensorSource(name: "none", [] as [Float]))
        try Golden.withDirectory {
            let path = $0 + "/file.npz"
            try NPZ.write(arrays + [zeros, NPYSource(pieces), none], to: path, compressed: true)
            let (file, golden) = (try NPZFile(path), try NPZFile(Golden.path("deflated.npz")))
            #expect(file.names == golden.names + ["pieces", "none"])
            for name in golden.names {
                let (one, other) = (try file.array(name), try golden.array(name))
                #expect(one.shape == other.shape && one.element == other.element)
                #expect(one.withUnsafeBytes { one in other.withUnsafeBytes { one.elementsEqual($0) } })
            }
            #expect(try file.array("pieces").withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) } == random)
            #expect(try file.array("none").count == 0)
            #expect(try Files.read(path).count < 500_000)
        }
    }

    @Test func writesPythonsZIP64() throws {
        let written = try Golden.written { path in
            try Files.writeAtomically(to: path) { writer in
                var zip = ZipWriter(writer, zip64Above: 0)
                for array in arrays {
                    let file = try Golden.written { try NPY.write(array, to: $0) }
                    try zip.add(array.name + ".npy") { try file.withUnsafeBytes($0) }
                }
                try zip.finish()
            }
        }
        #expect(try written == Golden.bytes("zip64.npz"))
    }

    @Test func manyEntries() throws {
        // One more than the old format can count.
        let count = 0x1_0000
        try Golden.withDirectory { directory in
            let path = directory + "/many.npz"
            try NPZ.write((0..<count).map { TensorSource(name: "\($0)", [UInt8($0 & 0xFF)]) }, to: path)
            let file = try NPZFile(path)
            #expect(file.names.count == count)
            #expect(try file.array("65535").int64s() == [255])
        }
    }

    @Test(Python.trait) func numPyReadsIt() throws {
        let script = """
            import sys, numpy
            f = numpy.load(sys.argv[1])
            for name in f.files:
                print(name, f[name].dtype, f[name].shape, f[name].tolist())
            """
        try Golden.withDirectory {
            let path = $0 + "/file.npz"
            let strings = NPYSource(name: "words", strings: ["a", "", "🎬é"])
            let unsigned = TensorSource(name: "u", [1, .max] as [UInt32])
            let table = TensorSource(name: "t", [1, 2, 3, 4] as [Double], shape: [2, 2])
            let ids = TensorSource(name: "é", [.min, .max] as [Int64])
            let expected = """
                words <U2 (3,) ['a', '', '🎬é']
                u uint32 (2,) [1, 4294967295]
                t float64 (2, 2) [[1.0, 2.0], [3.0, 4.0]]
                é int64 (2,) [-9223372036854775808, 9223372036854775807]

                """
            for compressed in [false, true] {
                try NPZ.write(
                    [strings] + [unsigned, table, ids].map(NPYSource.init), to: path, compressed: compressed)
                #expect(try Python.run(script, path) == expected)
            }
        }
    }
}
