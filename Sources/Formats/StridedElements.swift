/// Elements of an array whose axes lie in any order, strides apart. No axis is empty.
struct StridedElements {
    let source: UnsafeRawBufferPointer
    /// The first element's place.
    var offset = 0
    /// Elements from one of an axis to the next.
    let shape, strides: [Int]
    /// Bytes of an element.
    let size: Int

    /// Copies them into C order.
    func copy(into target: UnsafeMutableRawBufferPointer) {
        func copy<Unit: BitwiseCopyable>(_: Unit.Type) {
            walk(target.count) { from, to in
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: from, as: Unit.self), toByteOffset: to, as: Unit.self)
            }
        }
        switch size {
        case 1: copy(UInt8.self)
        case 2: copy(UInt16.self)
        case 4: copy(UInt32.self)
        case 8: copy(UInt64.self)
        default:
            walk(target.count) { from, to in
                (target.baseAddress! + to).copyMemory(from: source.baseAddress! + from, byteCount: size)
            }
        }
    }

    /// Calls `body` with the byte of each element in the source, and in C order.
    @inline(__always)
    private func walk(_ bytes: Int, _ body: (_ from: Int, _ to: Int) -> Void) {
        // A scalar is a row of one.
        let (shape, strides) = shape.isEmpty ? ([1], [1]) : (shape, strides)
        let last = shape.count - 1
        var index = [Int](repeating: 0, count: last)
        var (from, to) = (offset, 0)
        while to < bytes {
            for step in 0..<shape[last] {
                body((from + step * strides[last]) * size, to)
                to += size
            }
            // The next row: count up the other axes, the fastest of them first.
            for axis in (0..<last).reversed() {
                index[axis] += 1
                from += strides[axis]
                if index[axis] < shape[axis] { break }
                from -= shape[axis] * strides[axis]
                index[axis] = 0
            }
        }
    }
}
