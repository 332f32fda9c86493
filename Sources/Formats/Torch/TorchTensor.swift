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
        StridedElements(source: storage, offset: offset, shape: shape, strides: strides, size: elementType.size)
            .copy(into: target)
    }
}
