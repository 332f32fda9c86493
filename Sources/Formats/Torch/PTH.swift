import Basics

/// Writes state dicts for PyTorch: `.pth` files that `torch.load` reads, with `weights_only` too.
public enum PTH {
    /// Writes tensors in the order given, whole or not at all, streaming their data.
    ///
    /// The file is an archive as `torch.save` writes it since PyTorch 1.6, with a dictionary of contiguous tensors on the CPU,
    /// each with a storage of its own. Source: `torch/serialization.py`, `torch/_utils.py` (PyTorch 2.15).
    ///
    /// - Precondition: names are unique.
    public static func write(_ tensors: [TensorSource], to path: String) throws {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors of the same name")
        try Files.writeAtomically(to: path) { writer in
            var zip = ZipWriter(writer)
            func add(_ name: String, _ bytes: [UInt8]) throws {
                try zip.add("archive/" + name) { sink in try bytes.withUnsafeBytes(sink) }
            }
            var pickle = Pickle()
            pickle.stateDictionary(tensors)
            try add("data.pkl", pickle.bytes)
            try add("byteorder", Array("little".utf8))
            for (index, tensor) in tensors.enumerated() { try zip.add("archive/data/\(index)", tensor.emit) }
            try add("version", Array("3\n".utf8))
            try zip.finish()
        }
    }
}

/// A pickle of protocol 2 that rebuilds tensors.
private struct Pickle {
    private(set) var bytes: [UInt8] = []

    mutating func stateDictionary(_ tensors: [TensorSource]) {
        put(.proto)
        bytes.append(2)
        put(.emptyDict)
        put(.mark)
        for (index, tensor) in tensors.enumerated() {
            text(tensor.name)
            rebuilt(tensor, storage: index)
        }
        put(.setItems)
        put(.stop)
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`; v3, over a storage of bytes, has the element
    /// type too.
    private mutating func rebuilt(_ tensor: TensorSource, storage: Int) {
        let type = tensor.elementType
        let typed = TorchGlobal.storage(of: type)
        let count = tensor.shape.reduce(1, *)
        global("torch._utils", typed == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
        put(.mark)
        put(.mark)
        text("storage")
        if let typed { global("torch", typed) } else { global("torch.storage", "UntypedStorage") }
        text("\(storage)")
        text("cpu")
        integer(typed == nil ? tensor.byteCount : count)
        put(.tuple)
        put(.binPersID)
        integer(0)
        tuple(tensor.shape)
        tuple(tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) })
        put(.newFalse)
        global("collections", "OrderedDict")
        put(.emptyTuple)
        put(.reduce)
        if typed == nil { global("torch", TorchGlobal.name(of: type)) }
        put(.tuple)
        put(.reduce)
    }

    private mutating func put(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

    private mutating func global(_ module: String, _ name: String) {
        put(.global)
        bytes += Array("\(module)\n\(name)\n".utf8)
    }

    private mutating func text(_ text: String) {
        put(.binUnicode)
        withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes += Array($0) }
        bytes += Array(text.utf8)
    }

    private mutating func tuple(_ numbers: [Int]) {
        put(.mark)
        for number in numbers { integer(number) }
        put(.tuple)
    }

    private mutating func integer(_ number: Int) {
        if let small = Int32(exactly: number) {
            put(.binInt)
            withUnsafeBytes(of: small.littleEndian) { bytes += Array($0) }
        } else {
            put(.long1)
            bytes.append(8)
            withUnsafeBytes(of: Int64(number).littleEndian) { bytes += Array($0) }
        }
    }
}
