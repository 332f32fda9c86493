import Basics
import Formats
import Foundation
import Testing

@Suite struct PTHFileTests {
    /// PyTorch's own view of the golden files: file, tensor, then element type, shape and bytes.
    private struct Seen: Decodable {
        let type: String
        let shape: [Int]
        let bytes: [UInt8]

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            type = try values.decode(String.self)
            shape = try values.decode([Int].self)
            let digits = Array(try values.decode(String.self).utf8)
            bytes = stride(from: 0, to: digits.count, by: 2).map {
                UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
            }
        }

        static let files = Result {
            try JSONDecoder().decode([String: [String: Seen]].self, from: Data(Golden.bytes("pth.json")))
        }
    }

    @Test(arguments: ["dtypes", "views", "nested", "none", "big"]) func readsWhatPyTorchReads(name: String) throws {
        let seen = try #require(try Seen.files.get()[name + ".pth"])
        let file = try PTHFile(Golden.path(name + ".pth"))
        #expect(Set(file.names) == Set(seen.keys) && file.names.count == seen.count)
        for (name, seen) in seen {
            let tensor = try file.tensor(name)
            #expect(tensor.elementType.rawValue == seen.type && tensor.shape == seen.shape, "\(name)")
            #expect(tensor.withUnsafeBytes { $0.elementsEqual(seen.bytes) }, "\(name)")
        }
    }

    @Test func joinsNestedKeys() throws {
        let file = try PTHFile(Golden.path("nested.pth"))
        #expect(
            file.names.starts(with: ["model.0.weight", "model.1.weight", "model.1.bias", "optimizer.state.0.step"]))
        #expect(file.contains("pair.0.weight") && file.contains("3") && file.contains("sizes.1.0"))
        #expect(file.contains("optimizer.state.2.exp_avg_sq") && !file.contains("epoch") && !file.contains("model"))
        #expect(try PTHFile(Golden.path("views.pth")).names.starts(with: ["whole", "tied", "transposed"]))
    }

    @Test func copiesOnlyWhatItMust() throws {
        let file = try PTHFile(Golden.path("views.pth"))
        let whole = try file.tensor("whole").bytes.baseAddress!
        // Two rows in, in the same mapped storage.
        #expect(try file.tensor("tied").bytes.baseAddress == whole)
        #expect(try file.tensor("rows").bytes.baseAddress == whole + 2 * 5 * 4)
        #expect(try file.tensor("element").bytes.baseAddress == whole + 19 * 4)
        #expect(try file.tensor("one").bytes.baseAddress == whole)
        let transposed = try file.tensor("transposed")
        #expect(try transposed.expect(.float32, shape: [5, 6]).floats()[1] == 0)
        #expect(transposed.bytes.baseAddress != whole)
    }

    @Test func aViewOutlivesItsFile() throws {
        let views = try ["whole", "transposed"].map { try PTHFile(Golden.path("views.pth")).tensor($0) }
        #expect(try views[0].floats() == (0..<30).map { Float($0 - 5) / 4 })
        #expect(try views[1].floats().count == 30)
    }

    @Test(arguments: [
        ("legacy", "before PyTorch 1.6", "torch.load(path, weights_only=True)"),
        ("protocol4", "a pickle of protocol 4", "state_dict()"),
        ("module", "asks for torch.nn.modules.linear.Linear, which a state dict has no use for", "model.state_dict()"),
        ("tensor", "holds a tensor and no state dict", "torch.save({\"name\": …}"),
        ("sparse", "asks for torch._utils._rebuild_sparse_tensor", "state_dict()"),
        ("quantized", "asks for torch._utils._rebuild_qtensor", "state_dict()"),
        ("complex128", "tensors over a torch.ComplexDoubleStorage", "state_dict()"),
        ("conjugated", "conjugated or negated", "resolve_conj"),
        ("numpy", "asks for numpy", "nothing of the file was executed"),
        ("script", "TorchScript", "torch.jit.load(path).state_dict()"),
    ])
    func refuses(name: String, words: String, wayOut: String) throws {
        let path = Golden.path("refused_\(name).pth")
        do {
            _ = try PTHFile(path)
            Issue.record("\(name) was read")
        } catch let error as StarlingError {
            #expect(error.code == .badData && error.place.file == path, "\(error)")
            #expect(error.what.contains(words) && error.remedy?.contains(wayOut) == true, "\(error)")
        }
    }

    @Test func refusesWhatIsNoFileOfTorchSave() throws {
        expectError("without a data.pkl", file: Golden.path("stored.npz")) {
            _ = try PTHFile(Golden.path("stored.npz"))
        }
        expectError("not a ZIP file", file: Golden.path("f4.npy")) { _ = try PTHFile(Golden.path("f4.npy")) }
        expectError("too few for a ZIP") { _ = try PTHFile(bytes: [], name: "x") }
        expectError("a bare pickle") { _ = try PTHFile(bytes: [0x80, 2] + "cos\nsystem\n.".utf8, name: "x") }
        let path = Golden.path("none.pth")
        let file = try PTHFile(path)
        #expect(file.names == [])
        expectError("no tensor “w”: the file holds none", code: .failed, file: path) { _ = try file.tensor("w") }
    }

    @Test func everyTruncationIsNoticed() throws {
        let whole = try Golden.bytes("nested.pth")
        for count in 0..<whole.count {
            #expect(throws: StarlingError.self) { try PTHFile(bytes: whole[..<count], name: "x") }
        }
    }

    /// Archives whose pickle is sound, but whose entries are not.
    @Test func refusesDamagedArchives() throws {
        let sound = StoredZip(parsing: try Golden.bytes("dtypes.pth"))
        func refuse(_ words: String, _ change: (inout [StoredZip.Entry]) -> Void) {
            var zip = sound
            change(&zip.entries)
            let bytes = zip.bytes
            expectError(words) {
                let file = try PTHFile(bytes: bytes, name: "x")
                for name in file.names { _ = try file.tensor(name) }
            }
        }
        func index(_ entries: [StoredZip.Entry], _ ending: String) -> Int {
            entries.firstIndex { $0.name.hasSuffix(ending) }!
        }
        #expect(try PTHFile(bytes: sound.bytes, name: "x").names.count == 22)
        refuse("storage “1” is not in the archive") { $0.remove(at: index($0, "/data/1")) }
        refuse("storage “1” is said to hold 12 elements of 4 bytes, and has 47") {
            $0[index($0, "/data/1")].bytes.removeLast()
        }
        refuse("storage “1” is said to hold 12 elements of 4 bytes, and has 49") {
            $0[index($0, "/data/1")].bytes.append(0)
        }
        refuse("entry “dtypes/data/1” is compressed") { $0[index($0, "/data/1")].method = 8 }
        refuse("entry “dtypes/data.pkl” is compressed") { $0[index($0, "/data.pkl")].method = 8 }
        refuse("neither “little” nor “big”") { $0[index($0, "/byteorder")].bytes = Array("middle".utf8) }
        refuse("without a data.pkl") { $0.remove(at: index($0, "/data.pkl")) }
        refuse("2 files data.pkl") { $0.append(.init("other/data.pkl", [])) }
        var bytes = sound.bytes
        let data = sound.entries[index(sound.entries, "/data/1")].bytes
        let place = (0..<bytes.count - data.count).first { bytes[$0..<$0 + data.count].elementsEqual(data) }!
        bytes[place] ^= 1
        expectError("tensor “float32”: its checksum (CRC-32) does not fit") {
            let file = try PTHFile(bytes: bytes, name: "x")
            #expect(throws: Never.self) { try file.tensor("float64") }
            _ = try file.tensor("float32")
        }
    }

    /// Checkpoints that people trained, tensor by tensor as PyTorch sees them.
    /// What is written comes back, of every type and shape; and PyTorch reads the same.
    @Test func writesStateDictionaries() throws {
        try Golden.withDirectory { folder in
            for name in ["dtypes.pth", "views.pth", "nested.pth", "big.pth", "none.pth"] {
                let source = try PTHFile(Golden.path(name))
                let path = folder + "/" + name
                try PTH.write(source.sources(), to: path)
                let written = try PTHFile(path)
                #expect(written.names == source.names)
                for name in source.names {
                    let (one, other) = (try source.tensor(name), try written.tensor(name))
                    #expect(one.elementType == other.elementType && one.shape == other.shape)
                    #expect(one.withUnsafeBytes { Array($0) } == other.withUnsafeBytes { Array($0) })
                }
                guard let python = ProcessInfo.processInfo.environment["STARLING_TORCH_PYTHON"] else {
                    print("not read by PyTorch: STARLING_TORCH_PYTHON names no python3 with torch")
                    continue
                }
                let script = """
                    import sys, hashlib, torch
                    for name, t in torch.load(sys.argv[1], weights_only=True).items():
                        data = bytes(t.contiguous().reshape(-1).view(torch.uint8).numpy())
                        assert t.is_contiguous() and not t.requires_grad
                        print(name, str(list(t.shape)), hashlib.sha256(data).hexdigest())
                    """
                let lines = try source.names.map { name in
                    let tensor = try source.tensor(name)
                    var digest = Digest()
                    tensor.withUnsafeBytes { digest.update($0) }
                    return "\(name) \(tensor.shape) \(digest.hex())\n"
                }
                #expect(try Python.run(script, path, python: python) == lines.joined())
            }
        }
    }

    @Test func readsRealCheckpoints() throws {
        let environment = ProcessInfo.processInfo.environment
        let folder = (environment["STARLING_DATA"] ?? "") + "/checkpoints-sasrec"
        let files = ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".pth") }
        guard environment["STARLING_DATA"] != nil, !files.isEmpty else {
            print("skipped real checkpoints: STARLING_DATA names no folder that holds checkpoints-sasrec")
            return
        }
        for name in files {
            let file = try PTHFile(folder + "/" + name)
            #expect(file.names.count == 28)
            try file.tensor("item_emb.weight").expect(.float32, shape: [3417, 50])
            try file.tensor("forward_layers.1.conv2.weight").expect(.float32, shape: [50, 50, 1])
            guard let python = environment["STARLING_TORCH_PYTHON"] else {
                print("not compared with PyTorch's view: STARLING_TORCH_PYTHON names no python3 with torch")
                continue
            }
            let script = """
                import sys, hashlib, torch
                for name, t in torch.load(sys.argv[1], map_location="cpu", weights_only=True).items():
                    print(name, list(t.shape), hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest())
                """
            let lines = try file.names.map { name in
                let tensor = try file.tensor(name)
                var digest = Digest()
                tensor.withUnsafeBytes { digest.update($0) }
                return "\(name) \(tensor.shape) \(digest.hex())\n"
            }
            #expect(try Python.run(script, folder + "/" + name, python: python) == lines.joined())
        }
    }
}
