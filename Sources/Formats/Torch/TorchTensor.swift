/// Bytes of the archive that tensors lie over.
struct TorchStorage {
    let entry: ZipArchive.Entry
    /// Nil for a storage of bytes.
    let elementType: ElementType?
}

/// A tensor as the pickle describes it: a window on a storage, which it may share with others and need not fill.
struct TorchTensor {
    let storage: TorchStorage
    let elementType: ElementType
    /// Elements of the storage before the first one.
    let offset: Int
    let shape: [Int]
    /// Elements of the storage between neighbours, by axis.
    let strides: [Int]

    /// PyTorch's own limit.
    static let greatestRank = 64

    /// An expanded tensor repeats its storage's elements. More often than this, a file of some bytes would stand for
    /// gigabytes.
    static let greatestExpansion = 1024

    /// What keeps the tensor from being read, if anything does; afterwards all its elements lie within the storage.
    var flaw: String? {
        guard offset >= 0, shape.count == strides.count else { return "a tensor's offset, shape and strides disagree" }
        guard let size = Formats.byteCount(size: elementType.size, shape: shape) else {
            return "a tensor's shape \(shape) is too large to be true"
        }
        guard size > 0 else { return nil }
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (reach, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow) = last.addingReportingOverflow(reach)
            guard !tooFar, !overflow else { return "a tensor's strides \(strides) are too large to be true" }
            last = sum
        }
        let held = storage.entry.size / elementType.size
        guard last < held else {
            return "a tensor of shape \(shape) and strides \(strides) goes beyond its storage of \(held) elements"
        }
        guard size / Self.greatestExpansion <= storage.entry.size else {
            return "a tensor of shape \(shape) repeats \(held) elements more than \(Self.greatestExpansion) times; "
                + "save tensor.contiguous() if it is meant"
        }
        return nil
    }

    var byteCount: Int { shape.reduce(elementType.size, *) }

    /// Whether its elements stand in the storage one after another in C order.
    var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            guard stride == expected else { return false }
            expected *= extent
        }
        return true
    }

    /// Copies the elements into C order. The tensor is not empty, and without ``flaw``.
    func gather(from storage: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        switch elementType.size {
        case 1: gather(UInt8.self, storage, target)
        case 2: gather(UInt16.self, storage, target)
        case 4: gather(UInt32.self, storage, target)
        default: gather(UInt64.self, storage, target)
        }
    }

    private func gather<Unit: FixedWidthInteger & BitwiseCopyable>(
        _: Unit.Type, _ storage: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Unit>.size
        // A scalar is a row of one.
        let (shape, strides) = shape.isEmpty ? ([1], [1]) : (shape, strides)
        let last = shape.count - 1
        var index = [Int](repeating: 0, count: last)
        var (from, to) = (offset, 0)
        while to < target.count {
            for step in 0..<shape[last] {
                let element = storage.loadUnaligned(
                    fromByteOffset: (from + step * strides[last]) * size, as: Unit.self)
                target.storeBytes(of: element, toByteOffset: to, as: Unit.self)
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
