public import Basics

/// Writes NumPy's `.npz` files, byte for byte as `numpy.savez` 2.4 does; compressed as `numpy.savez_compressed` does, but
/// for the compressed bytes, which depend on the version of zlib.
public enum NPZ {
    /// Writes the arrays in the order given, whole or not at all, streaming their data.
    /// - Parameter compressed: deflates them, at some 50 MB a second.
    /// - Precondition: names are unique.
    public static func write(_ arrays: [NPYSource], to path: String, compressed: Bool = false) throws {
        try Files.writeAtomically(to: path) { try write(arrays, to: $0, compressed: compressed) }
    }

    /// The same for numbers only.
    public static func write(_ tensors: [TensorSource], to path: String, compressed: Bool = false) throws {
        try write(tensors.map(NPYSource.init), to: path, compressed: compressed)
    }

    /// The same into a file that the caller opens and closes, and to which nothing has been written.
    public static func write(_ arrays: [NPYSource], to writer: FileWriter, compressed: Bool = false) throws {
        precondition(Set(arrays.map(\.name)).count == arrays.count, "two arrays of the same name")
        var zip = ZipWriter(writer)
        for array in arrays { try zip.add(array.name + ".npy", compressed: compressed, array.emitFile) }
        try zip.finish()
    }
}
