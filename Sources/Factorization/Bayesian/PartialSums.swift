/// Sums of the same size by part, added in the parts' order.
///
/// `@unchecked Sendable`: each part is one worker's.
final class PartialSums: @unchecked Sendable {
    private let values: UnsafeMutableBufferPointer<Double>
    private let count: Int, size: Int

    init(count: Int, size: Int) {
        (self.count, self.size) = (count, size)
        values = .allocate(capacity: count * size)
        values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    func part(_ index: Int) -> UnsafeMutablePointer<Double> { values.baseAddress! + index * size }

    func total() -> [Double] {
        (0..<size).map { place in (0..<count).reduce(0) { $0 + values[$1 * size + place] } }
    }
}
