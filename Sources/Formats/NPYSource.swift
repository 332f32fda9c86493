import Basics

/// A named array on its way into an NPY or NPZ file: a ``TensorSource``, or strings.
public struct NPYSource {
    public let name: String
    public let element: NPYElement
    /// Sizes from the slowest axis to the fastest; `[]` is a scalar.
    public let shape: [Int]
    /// Calls its argument with consecutive pieces of the data, in C order and little-endian.
    let emit: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// - Precondition: not `bfloat16` or one of 8 bits, which NumPy does not have, and not complex.
    public init(_ tensor: TensorSource) {
        precondition(
            NPYElement.holds(tensor.elementType), "\(tensor.name): \(tensor.elementType.rawValue) is none of NumPy's")
        name = tensor.name
        element = .number(tensor.elementType)
        shape = tensor.shape
        emit = tensor.emitChecked
    }

    /// Strings as NumPy's `<U`, as wide as the longest (at least 1, as NumPy has it).
    ///
    /// NumPy cannot tell a NUL at the end of a string from filling: writing such a string throws `badData`.
    ///
    /// - Parameter shape: nil for one axis; otherwise its product is the number of strings.
    public init(name: String, strings: some Collection<String>, shape: [Int]? = nil) {
        precondition(shape.map { $0.reduce(1, *) == strings.count } ?? true, "\(name): shape and count disagree")
        let length = strings.lazy.map(\.unicodeScalars.count).max() ?? 0
        self.name = name
        element = .unicode(length: max(1, length))
        self.shape = shape ?? [strings.count]
        let size = element.size
        emit = { sink in
            var buffer: [UInt8] = []
            for (index, string) in strings.enumerated() {
                guard string.unicodeScalars.last != "\0" else {
                    throw StarlingError(.badData, "string \(index) of “\(name)” ends with a NUL, which NumPy drops")
                }
                let end = buffer.count + size
                for scalar in string.unicodeScalars { buffer.appendLittleEndian(scalar.value) }
                buffer.append(contentsOf: repeatElement(0, count: end - buffer.count))
                if buffer.count >= 1 << 16 || index == strings.count - 1 {
                    try buffer.withUnsafeBytes(sink)
                    buffer.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    private init(_ other: NPYSource, emit: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) {
        (name, element, shape, self.emit) = (other.name, other.element, other.shape, emit)
    }

    /// Bytes of the data.
    package var byteCount: Int { shape.reduce(element.size, *) }

    /// The same, telling of every piece, of some megabytes at most, before it is written.
    package func observed(_ tell: @escaping (_ bytes: Int) throws -> Void) -> NPYSource {
        NPYSource(self) { sink in try emit { try $0.inPieces(tell, sink) } }
    }

    /// Emits the whole NPY file.
    func emitFile(_ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        try NPYHeader.bytes(element, shape: shape).withUnsafeBytes(sink)
        try emit(sink)
    }
}
