import Kernels

/// The order in which an epoch visits the samples of shards: a function of seed, epoch and position alone, made where it is
/// read. Batches and ranks play no part in it.
///
/// Shards are put into a random order and taken eight at a time, so that no more need be open. Of such a group, stretches of
/// 256 samples change places, and then 2¹⁴ samples at a time (64 stretches from all over the group) are shuffled among
/// themselves: reads stay within what a core's cache holds. What a shard has beyond whole stretches comes at its group's
/// end. Unshuffled, shards and samples come as they lie.
struct ShardOrder: Sendable {
    /// Shards that are open together.
    struct Group: Sendable {
        /// At most eight.
        let shards: [Int]
        /// Samples of each.
        let counts: [Int]
        /// The epoch's position of the group's first sample.
        let first: Int
        /// How many whole stretches there are before each shard's, and in all.
        fileprivate let stretches: [Int]
        /// Where in the group begins what each shard has beyond them, and the end.
        fileprivate let rests: [Int]

        fileprivate init(shards: [Int], counts: [Int], first: Int) {
            (self.shards, self.counts, self.first) = (shards, counts, first)
            stretches = counts.reduce(into: [0]) { $0.append($0.last! + $1 / ShardOrder.stretch) }
            rests = counts.reduce(into: [stretches.last! * ShardOrder.stretch]) {
                $0.append($0.last! + $1 % ShardOrder.stretch)
            }
        }

        var count: Int { rests.last! }
        var positions: Range<Int> { first..<first + count }
    }

    static let together = 8, stretch = 256, window = 1 << 14

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
            groups.append(Group(shards: members, counts: members.map { counts[$0] }, first: first))
            first += groups.last!.count
            precondition(groups.last!.count <= Int(UInt32.max), "a group of shards has at most 2³² − 1 samples")
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

    /// The samples of `positions`, all of group `number`.
    func rows(_ positions: Range<Int>, ofGroup number: Int) -> ShardRows {
        let group = groups[number]
        precondition(
            positions.isEmpty
                || group.positions.contains(positions.lowerBound)
                    && positions.upperBound <= group.positions.upperBound,
            "\(positions) of group \(number)")
        let range = positions.lowerBound - group.first..<positions.upperBound - group.first
        guard shuffles else { return ShardRows(range) }
        var ahead: [ShardRows.Stretch] = []
        var samples = ShardRows(count: range.count) { members, rows in
            var from = range.lowerBound
            while from < range.upperBound {
                let window = Window(from / Self.window, of: number, self)
                let part = from..<min(range.upperBound, window.places.upperBound)
                let target = from - range.lowerBound
                window.copy(part, members: members + target, rows: rows + target)
                from = part.upperBound
                if window.places.upperBound < group.count {
                    // As large a part of the next window as of this one.
                    let next = Window(window.number + 1, of: number, self)
                    ahead += next.stretches(below: part.upperBound - window.places.lowerBound)
                        .dropFirst(next.stretches(below: part.lowerBound - window.places.lowerBound).count)
                }
            }
        }
        samples.ahead = ahead
        return samples
    }

    fileprivate func permutation(of count: Int, _ kind: UInt64, _ number: Int) -> RandomPermutation {
        var random = RandomStream(seed: seed, .shards, index: epoch, counter: kind << 56 | UInt64(number) << 4)
        return RandomPermutation(count: count, random: &random)
    }
}

/// Samples of a group that are shuffled among themselves.
private struct Window {
    let number: Int
    /// In the group's order.
    let places: Range<Int>
    private let group: ShardOrder.Group
    private let samples: RandomPermutation
    private var stretches: [ShardRows.Stretch] = []

    init(_ window: Int, of number: Int, _ order: ShardOrder) {
        group = order.groups[number]
        self.number = window
        let first = window * ShardOrder.window
        places = first..<min(group.count, first + ShardOrder.window)
        samples = order.permutation(of: places.count, 2, number * (1 << 20) + window)
        let whole = group.stretches.last!
        let from = first / ShardOrder.stretch
        let range = min(whole, from)..<min(whole, from + ShardOrder.window / ShardOrder.stretch)
        guard !range.isEmpty else { return }
        let moved = [UInt32](unsafeUninitializedCapacity: range.count) { target, filled in
            order.permutation(of: whole, 1, number).copy(range, to: target.baseAddress!)
            filled = range.count
        }
        stretches = moved.map { stretch in
            let member = group.stretches.dropFirst().firstIndex { stretch < $0 }! - 1
            let row = (Int(stretch) - group.stretches[member]) * ShardOrder.stretch
            return ShardRows.Stretch(member: UInt8(member), row: UInt32(row))
        }
    }

    /// Those that begin among the window's first places.
    func stretches(below place: Int) -> ArraySlice<ShardRows.Stretch> {
        stretches.prefix((place + ShardOrder.stretch - 1) / ShardOrder.stretch)
    }

    func copy(_ part: Range<Int>, members: UnsafeMutablePointer<UInt8>, rows: UnsafeMutablePointer<UInt32>) {
        samples.copy(part.lowerBound - places.lowerBound..<part.upperBound - places.lowerBound, to: rows)
        stretches.withUnsafeBufferPointer { stretches in
            for index in 0..<part.count {
                let (stretch, within) = Int(rows[index]).quotientAndRemainder(dividingBy: ShardOrder.stretch)
                if stretch < stretches.count {
                    members[index] = stretches[stretch].member
                    rows[index] = stretches[stretch].row + UInt32(within)
                } else {
                    (members[index], rows[index]) = rest(places.lowerBound + Int(rows[index]))
                }
            }
        }
    }

    /// The sample at a place behind all whole stretches.
    private func rest(_ place: Int) -> (UInt8, UInt32) {
        let member = group.rests.dropFirst().firstIndex { place < $0 }! - 1
        let begin = group.counts[member] / ShardOrder.stretch * ShardOrder.stretch
        return (UInt8(member), UInt32(begin + place - group.rests[member]))
    }
}
