import Basics
import Formats
import Testing

@Suite struct SafeTensorsTests {
    @Test(arguments: ["all", "plain", "none", "small"]) func writesThePackagesBytes(name: String) throws {
        let golden = try Golden.bytes(name + ".safetensors")
        let file = try SafeTensorsFile(bytes: golden, name: name)
        // The order in which tensors come must not matter.
        let sources = try file.names.reversed().map { source(try file.tensor($0)) }
        let written = try Golden.written { try SafeTensors.write(sources, metadata: file.metadata, to: $0) }
        #expect(written == golden)
    }

    @Test func writesInPieces() throws {
        let values = (0..<100_000).map { Float($0) }
        let whole = TensorSource(name: "w", values, shape: [1000, 100])
        let rows = TensorSource(name: "w", elementType: .float32, shape: [1000, 100]) { sink in
            for row in 0..<1000 { try values[row * 100..<(row + 1) * 100].withUnsafeBytes(sink) }
        }
        try Golden.withDirectory {
            try SafeTensors.write([whole], to: $0 + "/whole")
            try SafeTensors.write([rows], to: $0 + "/rows")
            #expect(try Files.read($0 + "/whole") == Files.read($0 + "/rows"))
            #expect(try SafeTensorsFile($0 + "/rows").tensor("w").floats() == values)
        }
    }

    @Test func nothingIsLeftAfterAFailure() throws {
        try Golden.withDirectory { directory in
            let failing = TensorSource(name: "w", elementType: .float32, shape: [1]) { _ in
                throw StarlingError(.failed, "no data")
            }
            #expect(throws: StarlingError.self) { try SafeTensors.write([failing], to: directory + "/file") }
            let left = try Files.list(directory)
            #expect(left == [])
        }
    }

    @Test(Python.trait) func thePackageReadsIt() throws {
        let script = """
            import sys, numpy, safetensors
            with safetensors.safe_open(sys.argv[1], "np") as f:
                print(f.metadata() == {"a": "1", "é": "\\n\\x01"})
                for name in sorted(f.keys()):
                    t = f.get_tensor(name)
                    print(name, t.dtype, t.shape, t.sum())
            """
        try Golden.withDirectory {
            let path = $0 + "/file.safetensors"
            let tensors = [
                TensorSource(name: "ids", [1, -2, 3] as [Int64]),
                TensorSource(name: "weights", [0.5, 1, 1.5, 2, 2.5, 3] as [Float], shape: [2, 3]),
                TensorSource(name: "é\"", [7] as [UInt8], shape: []),
                TensorSource(name: "none", [] as [Float], shape: [2, 0]),
            ]
            try SafeTensors.write(tensors, metadata: ["é": "\n\u{1}", "a": "1"], to: path)
            let expected =
                "True\nids int64 (3,) 2\nnone float32 (2, 0) 0.0\nweights float32 (2, 3) 10.5\né\" uint8 () 7\n"
            #expect(try Python.run(script, path) == expected)
        }
    }

    private func source(_ view: TensorView) -> TensorSource {
        TensorSource(name: view.name, elementType: view.elementType, shape: view.shape) { sink in
            try view.withUnsafeBytes(sink)
        }
    }
}
