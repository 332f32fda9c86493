import Kernels

/// What the pass of ``SourcePasses`` gathers, slice by slice, by many threads.
///
/// `@unchecked Sendable`: slices, groups and workers have places of their own.
final class PassSummary: @unchecked Sendable {
    private let indexed: IndexedSource
    /// Where groups of slices begin, and the end.
    let groups: [Int]
    /// `[groups × users]`, `[workers × items]`
    private let users, items: UnsafeMutableBufferPointer<UInt32>
    private let digests: PassDigests
    private let ranges: UnsafeMutableBufferPointer<ClosedRange<Float>?>

    init(_ indexed: IndexedSource, _ workers: Workers) {
        self.indexed = indexed
        let slices = indexed.source.slices.count
        // Several groups a thread, so that threads end together; but counts take no more than 2 bytes an interaction.
        let count = max(1, min(slices, 4 * workers.count, indexed.count / (2 * indexed.users.count)))
        groups = (0...count).map { slices * $0 / count }
        users = .zeros(count * indexed.users.count)
        items = .zeros(workers.count * indexed.items.count)
        digests = PassDigests(indexed)
        ranges = .allocate(capacity: workers.count)
        ranges.initialize(repeating: nil)
    }

    deinit {
        users.deallocate()
        items.deallocate()
        ranges.deallocate()
    }

    /// Takes a slice, of which nothing but training is left then.
    func add(_ slice: PartedSlice, slice index: Int, group: Int, _ worker: Int) {
        digests.add(slice, index)
        let training = slice.training(index)
        let users = users.baseAddress! + group * indexed.users.count
        let items = items.baseAddress! + worker * indexed.items.count
        for place in 0..<training.users.count {
            users[Int(training.users[place])] += 1
            items[Int(training.items[place])] += 1
        }
        guard let values = training.values, let first = values.first else { return }
        let range = ranges[worker] ?? first...first
        ranges[worker] = values.reduce(into: range) { range, value in
            if value < range.lowerBound || value > range.upperBound {
                range = min(range.lowerBound, value)...max(range.upperBound, value)
            }
        }
    }

    var groupCounts: [UInt32] { Array(users) }
    var activity: [UInt32] { Self.sum(users, of: indexed.users.count) }
    var audience: [UInt32] { Self.sum(items, of: indexed.items.count) }

    private static func sum(_ counts: UnsafeMutableBufferPointer<UInt32>, of rows: Int) -> [UInt32] {
        var sums = [UInt32](repeating: 0, count: rows)
        for start in stride(from: 0, to: counts.count, by: rows) {
            for row in 0..<rows { sums[row] += counts[start + row] }
        }
        return sums
    }

    var valueRange: ClosedRange<Float>? {
        ranges.reduce(nil) { whole, own in
            guard let whole, let own else { return whole ?? own }
            return min(whole.lowerBound, own.lowerBound)...max(whole.upperBound, own.upperBound)
        }
    }

    var fingerprint: String { digests.fingerprint }
}

extension UnsafeMutableBufferPointer<UInt32> {
    fileprivate static func zeros(_ count: Int) -> Self {
        let memory = Self.allocate(capacity: Swift.max(1, count))
        memory.initialize(repeating: 0)
        return Self(rebasing: memory[..<count])
    }
}
