public import Basics

/// Writes safetensors files.
public enum SafeTensors {
    /// Writes the tensors, whole or not at all, streaming their data.
    ///
    /// Tensors are laid out as the Python package `safetensors` 0.8 does, by element type and then by name,
    /// whatever order they come in, so that the same tensors make the same file there and here. Metadata, which
    /// that package writes in random order, are sorted by key.
    ///
    /// - Precondition: names are unique and none is `__metadata__`; every source emits what its shape says.
    public static func write(
        _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String
    ) throws {
        try Files.writeAtomically(to: path) { try write(tensors, metadata: metadata, to: $0) }
    }

    /// The same into a file that the caller opens and closes.
    public static func write(
        _ tensors: [TensorSource], metadata: [String: String] = [:], to writer: FileWriter
    ) throws {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors of the same name")
        precondition(!tensors.contains { $0.name == "__metadata__" }, "a tensor cannot be called __metadata__")
        let rank = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        let sorted = tensors.sorted {
            $0.elementType == $1.elementType
                ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
                : rank[$0.elementType]! < rank[$1.elementType]!
        }
        try writer.write(header(sorted, metadata))
        for tensor in sorted { try tensor.emitChecked { try writer.write($0) } }
    }

    /// The package's order of element types, which keeps all data aligned.
    private static let order: [ElementType] = [
        .uint64, .int64, .float64, .complex64, .float32, .uint32, .int32, .bfloat16, .float16, .uint16, .int16,
        .float8E5M2FNUZ, .float8E4M3FNUZ, .float8E8M0, .float8E4M3, .float8E5M2, .int8, .uint8, .bool,
    ]

    /// Length and JSON, padded with spaces to a multiple of 8 bytes.
    private static func header(_ tensors: [TensorSource], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            members.append(
                "\"__metadata__\":{" + pairs.map { quoted($0.key) + ":" + quoted($0.value) }.joined(separator: ",")
                    + "}")
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.byteCount
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                quoted(tensor.name) + ":{\"dtype\":\"\(tensor.elementType.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = Array(("{" + members.joined(separator: ",") + "}").utf8)
        json.append(contentsOf: repeatElement(0x20, count: (8 - json.count % 8) % 8))
        var header: [UInt8] = []
        header.appendLittleEndian(UInt64(json.count))
        return header + json
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{8}": quoted += "\\b"
            case "\u{C}": quoted += "\\f"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension TensorSource {
    /// Emits, holding the source to what its shape says.
    func emitChecked(_ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        var count = 0
        try emit {
            count += $0.count
            try sink($0)
        }
        precondition(count == byteCount, "\(name): \(count) bytes emitted, \(byteCount) by its shape")
    }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
