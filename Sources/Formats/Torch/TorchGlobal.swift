/// The names of Python's that a state dict may mention. None is looked up anywhere: each stands for something that
/// ``Unpickler`` does itself.
struct TorchGlobal {
    enum Meaning {
        /// Called without arguments: an empty dictionary.
        case orderedDict
        /// Called with a tuple: that tuple.
        case size
        /// A tensor over a typed storage.
        case rebuildTensor2
        /// A tensor over a storage of bytes, and its element type.
        case rebuildTensor3
        /// The tensor that it is given.
        case rebuildParameter
        /// Called with a function, a class of tensors, the function's arguments and what else the tensor carries in
        /// Python: what the function gives.
        case rebuildFromType
        case tensorClass
        /// The class of a storage; nil for one of bytes.
        case storage(ElementType?)
        case elementType(ElementType)
    }

    /// Such as `torch.FloatStorage`.
    let name: String
    let meaning: Meaning

    init?(_ name: String) {
        guard let meaning = Self.meanings[name] else { return nil }
        self.name = name
        self.meaning = meaning
    }

    private static let meanings: [String: Meaning] = {
        var meanings: [String: Meaning] = [
            "collections.OrderedDict": .orderedDict,
            "torch.Size": .size,
            "torch._utils._rebuild_tensor_v2": .rebuildTensor2,
            "torch._utils._rebuild_tensor_v3": .rebuildTensor3,
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
            "torch.Tensor": .tensorClass,
            "torch.nn.parameter.Parameter": .tensorClass,
            "torch.storage.UntypedStorage": .storage(nil),
        ]
        for (name, type) in storages { meanings["torch.\(name)Storage"] = .storage(type) }
        for (name, type) in types { meanings["torch.\(name)"] = .elementType(type) }
        return meanings
    }()

    /// The class of storages of an element type, `FloatStorage`; nil where PyTorch has none.
    static func storage(of type: ElementType) -> String? {
        storages.first { $0.1 == type }.map { $0.0 + "Storage" }
    }

    /// PyTorch's name of an element type: `float32`.
    static func name(of type: ElementType) -> String { types.first { $0.1 == type }!.0 }

    private static let storages: [(String, ElementType)] = [
        ("Double", .float64), ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Long", .int64),
        ("Int", .int32), ("Short", .int16), ("Char", .int8), ("Byte", .uint8), ("Bool", .bool),
        ("ComplexFloat", .complex64),
    ]

    private static let types: [(String, ElementType)] = [
        ("float64", .float64), ("float32", .float32), ("float16", .float16), ("bfloat16", .bfloat16),
        ("int64", .int64), ("int32", .int32), ("int16", .int16), ("int8", .int8), ("uint64", .uint64),
        ("uint32", .uint32), ("uint16", .uint16), ("uint8", .uint8), ("bool", .bool), ("complex64", .complex64),
        ("float8_e5m2", .float8E5M2), ("float8_e4m3fn", .float8E4M3), ("float8_e8m0fnu", .float8E8M0),
        ("float8_e4m3fnuz", .float8E4M3FNUZ), ("float8_e5m2fnuz", .float8E5M2FNUZ),
    ]
}
