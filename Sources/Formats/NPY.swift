public import Basics

/// Single arrays in NumPy's `.npy` files, as `numpy.save` and `numpy.load` have them.
///
/// Read are versions 1.0 to 3.0, both byte orders and both array orders; integers, floating-point numbers up to
/// 64 bits, truth values and strings. Python objects and records are refused. Written are version 1.0, C order,
/// little-endian, byte for byte what NumPy 2.4 writes.
public enum NPY {
    /// Maps the file and checks its header.
    /// - Throws: `badData` naming the file and what is wrong.
    public static func read(_ path: String) throws -> NPYArray {
        try read(MappedFile(path))
    }

    /// The same for a file already in memory; `name` stands in for the path in errors.
    public static func read(bytes: some Collection<UInt8>, name: String) throws -> NPYArray {
        try read(MappedFile(copying: bytes, name: name))
    }

    private static func read(_ memory: MappedFile) throws -> NPYArray {
        try NPYArray(memory.bytes, owner: memory, mapped: true, name: nil, Subject(file: memory.path))
    }

    /// Writes the array, whole or not at all. Its name is not part of the file.
    public static func write(_ array: NPYSource, to path: String) throws {
        try Files.writeAtomically(to: path) { try write(array, to: $0) }
    }

    /// The same into a file that the caller opens and closes.
    public static func write(_ array: NPYSource, to writer: FileWriter) throws {
        try array.emitFile { try writer.write($0) }
    }
}
