/// A column of 32-bit floats that owns its memory: biases, sums of squares, moments of biases.
///
/// `@unchecked Sendable`: workers write disjoint elements; whoever hands them out sees to it.
public final class FloatColumn: @unchecked Sendable {
    public let count: Int
    /// The first element. Valid as long as the column lives.
    public let base: UnsafeMutablePointer<Float>

    /// All zeros.
    public init(count: Int) {
        self.count = count
        base = .allocate(capacity: max(1, count))
        base.initialize(repeating: 0, count: max(1, count))
    }

    deinit { base.deallocate() }
}
