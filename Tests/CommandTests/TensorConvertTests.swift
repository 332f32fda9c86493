import Basics
import Formats
import Foundation
import Testing

/// `data convert` of tensors, from the outside.
@Suite struct TensorConvertTests {
    let folder: TemporaryFolder
    static let golden = Files.parent(#filePath) + "/../FormatsTests/golden/"

    init() throws { folder = try TemporaryFolder() }

    func convert(_ source: String, _ target: String, _ options: [String] = []) throws -> (
        status: Int32, output: String, error: String
    ) { try starling(["data", "convert", "--data", source, "--to", target] + options) }

    /// Name, type, shape and bytes of every tensor.
    func content(_ tensors: [TensorSource]) throws -> [String: String] {
        var content: [String: String] = [:]
        for tensor in tensors {
            var bytes: [UInt8] = []
            try tensor.emit { bytes += $0 }
            content[tensor.name] = "\(tensor.elementType) \(tensor.shape) \(bytes)"
        }
        return content
    }

    /// A state dict goes to safetensors, on to an NPZ and back, and stays what it was.
    @Test(arguments: ["views.pth", "nested.pth", "big.pth", "small.safetensors"]) func thereAndBack(name: String) throws
    {
        let source = Self.golden + name
        let expected = try content(
            name.hasSuffix("pth") ? PTHFile(source).sources() : SafeTensorsFile(source).sources())
        let first = try convert(source, folder.path("a.safetensors"), ["--json"])
        #expect(first.status == 0, "\(first.error)")
        #expect(first.output.contains("\"tensors\":\(expected.count)"))
        #expect(try content(SafeTensorsFile(folder.path("a.safetensors")).sources()) == expected)
        #expect(try convert(folder.path("a.safetensors"), folder.path("a.pth")).status == 0)
        #expect(try content(PTHFile(folder.path("a.pth")).sources()) == expected)
        for compression in ["none", "deflate"] {
            let options = ["--compression", compression, "--overwrite"]
            let second = try convert(folder.path("a.safetensors"), folder.path("b.npz"), options)
            guard second.status == 0 else {
                #expect(second.status == 65 && second.error.contains("not written for NumPy"), "\(second.error)")
                continue
            }
            #expect(try content(NPZFile(folder.path("b.npz")).sources()) == expected)
            #expect(try convert(folder.path("b.npz"), folder.path("c.safetensors"), ["--overwrite"]).status == 0)
            #expect(
                try Files.read(folder.path("c.safetensors")) == Files.read(folder.path("a.safetensors"))
                    || name.hasSuffix("safetensors"))
        }
        #expect(try Files.list(folder.path("")).allSatisfy { !$0.contains(".tmp-") })
    }

    @Test func metadataStay() throws {
        let path = folder.path("m.safetensors")
        try SafeTensors.write([TensorSource(name: "x", [1, 2] as [Float])], metadata: ["made": "by hand"], to: path)
        #expect(try convert(path, folder.path("n.safetensors")).status == 0)
        #expect(try SafeTensorsFile(folder.path("n.safetensors")).metadata == ["made": "by hand"])
    }

    @Test func whatCannotBeIsRefused() throws {
        let pth = Self.golden + "views.pth"
        for (target, options, words) in [
            ("x.csv", [], "holds tensors"), ("x", ["--form", "mds"], "holds tensors"),
            ("x.npz", ["--form", "pairs"], "holds tensors"),
        ] as [(String, [String], String)] {
            let result = try convert(pth, folder.path(target), options)
            #expect(result.status == 64 && result.error.contains(words), "\(result.error)")
        }
        let texts = folder.path("texts.npz")
        try NPZ.write([NPYSource(name: "names", strings: ["a"])], to: texts)
        let refused = try convert(texts, folder.path("x.safetensors"))
        #expect(refused.status == 65 && refused.error.contains("array “names”: it holds text"), "\(refused.error)")
        let types = try convert(Self.golden + "dtypes.pth", folder.path("x.npz"))
        #expect(types.status == 65 && types.error.contains("which is not written for NumPy"), "\(types.error)")
        try NPZ.write([TensorSource(name: "__metadata__", [1] as [Float])], to: texts)
        let kept = try convert(texts, folder.path("x.safetensors"))
        #expect(kept.status == 65 && kept.error.contains("__metadata__"), "\(kept.error)")
        // Damage that shows only when the data are read: nothing is left of the output.
        var bytes = try Files.read(pth)
        let file = try PTHFile(pth)
        let data = try file.names.map { try file.tensor($0).withUnsafeBytes { Array($0) } }.max { $0.count < $1.count }!
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: data.prefix(16)) })
        bytes[place] ^= 1
        try Files.write(bytes, to: folder.path("damaged.pth"))
        let damaged = try convert(folder.path("damaged.pth"), folder.path("x.safetensors"))
        #expect(damaged.status == 65, "\(damaged.error)")
        #expect(try Files.list(folder.path("")).sorted() == ["damaged.pth", "texts.npz"])
    }

    @Test func pythonReadsThem() throws {
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: nobody else read the tensors")
        }
        let source = Self.golden + "nested.pth"
        #expect(try convert(source, folder.path("a.safetensors")).status == 0)
        #expect(try convert(source, folder.path("a.npz"), ["--compression", "deflate"]).status == 0)
        let script = """
            import sys, numpy
            from safetensors.numpy import load_file
            one, other = load_file(sys.argv[1]), dict(numpy.load(sys.argv[2]))
            assert one.keys() == other.keys(), (one.keys(), other.keys())
            for name in one:
                assert one[name].dtype == other[name].dtype and one[name].shape == other[name].shape, name
                assert one[name].tobytes() == other[name].tobytes(), name
            print(len(one))
            """
        let path = try folder.file("script.py", script)
        let result = try shell("'\(python)' '\(path)' '\(folder.path("a.safetensors"))' '\(folder.path("a.npz"))'")
        let count = try PTHFile(source).names.count
        #expect(result.status == 0 && result.output == "\(count)\n", "\(result.error)")
    }
}
