import Basics
public import Formats

/// `weights_sha256`: one SHA-256 over a model's tensors, the same however a file orders or aligns them.
///
/// Tensors are taken in the order of their names' UTF-8 bytes. Each adds its name, its element type as safetensors
/// writes it, and its sizes joined by commas, each followed by a line feed, and then its bytes, row-major and
/// little-endian. In Python:
///
/// ```python
/// from hashlib import sha256
/// from safetensors.numpy import load_file
/// types = {"float32": "F32", "float64": "F64", "int64": "I64", "uint32": "U32", "uint8": "U8"}
/// digest = sha256()
/// for name, tensor in sorted(load_file("weights.safetensors").items()):
///     digest.update(f"{name}\n{types[str(tensor.dtype)]}\n{','.join(map(str, tensor.shape))}\n".encode())
///     digest.update(tensor.tobytes())
/// print(digest.hexdigest())
/// ```
public enum WeightsDigest {
    /// The digest of tensors in memory. - Complexity: one pass over their bytes.
    public static func sha256(_ tensors: [TensorSource]) throws -> String {
        var digest = Digest()
        for tensor in tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            digest.update(header(tensor.name, tensor.elementType, tensor.shape))
            try tensor.emit { digest.update($0) }
        }
        return digest.hex()
    }

    /// The digest of a file's tensors, equal to that of the tensors it was written from.
    public static func sha256(_ file: SafeTensorsFile) throws -> String {
        var digest = Digest()
        for name in file.names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let tensor = try file.tensor(name)
            digest.update(header(name, tensor.elementType, tensor.shape))
            tensor.withUnsafeBytes { digest.update($0) }
        }
        return digest.hex()
    }

    private static func header(_ name: String, _ type: ElementType, _ shape: [Int]) -> String {
        "\(name)\n\(type.rawValue)\n\(shape.map(String.init).joined(separator: ","))\n"
    }
}
