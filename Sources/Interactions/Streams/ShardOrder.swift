import Kernels

/// The order in which an epoch visits the samples of shards: a function of seed, epoch and position alone, made where it is
/// read. Batches and ranks play no part in it.
///
/// Shards are put into a random order and taken eight at a time, so that no more need be open. Of such a group, samples
/// behind one another, stretches of 512 change places, and then 2¹⁵ samples at a time (64 stretches from all over the
/// group) are shuffled among themselves: reads stay within what a core's cache holds. Unshuffled, shards and samples come
/// as they lie.
struct ShardOrder: Sendable {
    /// Shards that are open together.
    struct Group: Sendable {
        /// In the order in which their samples lie behind one another.
        let shards: [Int]
        /// Where each one's samples begin in the group, and the end.
        let starts: [Int]
        /// The epoch's position of the group's first sample.
        let first: Int

        var count: Int { starts.last! }
        var positions: Range<Int> { first..<first + count }

        /// Sorts places in the group by the shard that they are in: rows of it, the indices of their places, and where each
        /// shard's begin.
        func byShard(_ places: [UInt32]) -> (rows: [UInt32], indices: [UInt32], starts: [Int]) {
            let (count, shards) = (places.count, self.shards.count)
            var begins = [Int](repeating: 0, count: shards + 1)
            var indices = [UInt32](repeating: 0, count: count)
            let rows = [UInt32](unsafeUninitializedCapacity: count) { rows, filled in
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { members in
                    // Few shards: counting those that end before a place is faster than looking it up.
                    members.initialize(repeating: 0)
                    for end in starts.dropFirst() {
                        let end = UInt32(end)
                        for index in 0..<count { members[index] &+= places[index] >= end ? 1 : 0 }
                    }
                    for index in 0..<count { begins[Int(members[index]) + 1] += 1 }
                    for member in 0..<shards { begins[member + 1] += begins[member] }
                    var next = begins
                    next.withUnsafeMutableBufferPointer { next in
                        for index in 0..<count {
                            let member = Int(members[index])
                            let target = next[member]
                            next[member] = target + 1
                            rows[target] = places[index] - UInt32(starts[member])
                            indices[target] = UInt32(index)
                        }
                    }
                }
                filled = count
            }
            return (rows, indices, begins)
        }
    }

    static let together = 8, stretch = 512, window = 1 << 15

    let groups: [Group]
    private let shuffles: Bool
    private let seed: UInt64, epoch: UInt64

    /// - Parameter counts: samples of each shard; their sum must stay below 2³² in any eight.
    init(counts: [Int], shuffles: Bool, seed: UInt64, epoch: Int) {
        (self.shuffles, self.seed, self.epoch) = (shuffles, seed, UInt64(epoch))
        var shards = counts.indices.filter { counts[$0] > 0 }
        if shuffles {
            var random = RandomStream(seed: seed, .shards, index: UInt64(epoch))
            shards.shuffle(using: &random)
        }
        var (groups, first): ([Group], Int) = ([], 0)
        for place in stride(from: 0, to: shards.count, by: shuffles ? Self.together : 1) {
            let members = Array(shards[place..<min(shards.count, place + (shuffles ? Self.together : 1))])
            let starts = members.reduce(into: [0]) { $0.append($0.last! + counts[$1]) }
            precondition(starts.last! <= Int(UInt32.max), "a group of shards has at most 2³² − 1 samples")
            groups.append(Group(shards: members, starts: starts, first: first))
            first += starts.last!
        }
        self.groups = groups
    }

    /// Samples in an epoch.
    var count: Int { groups.last.map { $0.positions.upperBound } ?? 0 }

    /// The group of a position.
    func group(at position: Int) -> Int {
        var (low, high) = (0, groups.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if groups[middle].first <= position { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Where the samples of `positions`, all of group `number`, lie in the group.
    func places(_ positions: Range<Int>, ofGroup number: Int) -> [UInt32] {
        let group = groups[number]
        precondition(group.positions.contains(positions), "\(positions) of group \(number)")
        let range = positions.lowerBound - group.first..<positions.upperBound - group.first
        guard shuffles else { return range.map { UInt32($0) } }
        return [UInt32](unsafeUninitializedCapacity: range.count) { target, written in
            var from = range.lowerBound
            while from < range.upperBound {
                let window = from / Self.window
                let start = window * Self.window
                let part = from..<min(range.upperBound, start + Self.window)
                permutation(
                    of: min(Self.window, group.count - start), 2, number * (1 << 20) + window
                ).copy(
                    part.lowerBound - start..<part.upperBound - start, plus: UInt32(start),
                    to: target.baseAddress! + (from - range.lowerBound))
                move(target.baseAddress! + (from - range.lowerBound), part.count, start, group, number)
                from = part.upperBound
            }
            written = range.count
        }
    }

    /// From places in a window to the places that its stretches come from; what is left behind the last whole stretch stays.
    private func move(
        _ places: UnsafeMutablePointer<UInt32>, _ count: Int, _ start: Int, _ group: Group, _ number: Int
    ) {
        let whole = group.count / Self.stretch
        let first = start / Self.stretch
        let stretches = first..<min(whole, first + Self.window / Self.stretch)
        guard !stretches.isEmpty else { return }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: stretches.count) { from in
            permutation(of: whole, 1, number).copy(stretches, to: from.baseAddress!)
            for index in 0..<count {
                let (place, within) = Int(places[index]).quotientAndRemainder(dividingBy: Self.stretch)
                guard place < whole else { continue }
                places[index] = from[place - first] * UInt32(Self.stretch) + UInt32(within)
            }
        }
    }

    private func permutation(of count: Int, _ kind: UInt64, _ number: Int) -> RandomPermutation {
        var random = RandomStream(seed: seed, .shards, index: epoch, counter: kind << 56 | UInt64(number) << 4)
        return RandomPermutation(count: count, random: &random)
    }
}

extension Range where Bound == Int {
    fileprivate func contains(_ other: Range) -> Bool {
        other.isEmpty || lowerBound <= other.lowerBound && other.upperBound <= upperBound
    }
}
