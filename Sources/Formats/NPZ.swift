public import Basics

/// Writes NumPy's `.npz` files, uncompressed, byte for byte as `numpy.savez` 2.4 does.
public enum NPZ {
    /// Writes the arrays in the order given, whole or not at all, streaming their data.
    /// - Precondition: names are unique.
    public static func write(_ arrays: [NPYSource], to path: String) throws {
        try Files.writeAtomically(to: path) { try write(arrays, to: $0) }
    }

    /// The same for numbers only.
    public static func write(_ tensors: [TensorSource], to path: String) throws {
        try write(tensors.map(NPYSource.init), to: path)
    }

    /// The same into a file that the caller opens and closes, and to which nothing has been written.
    public static func write(_ arrays: [NPYSource], to writer: FileWriter) throws {
        precondition(Set(arrays.map(\.name)).count == arrays.count, "two arrays of the same name")
        var zip = ZipWriter(writer)
        for array in arrays { try zip.add(array.name + ".npy", array.emitFile) }
        try zip.finish()
    }
}
