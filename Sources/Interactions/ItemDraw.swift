import Kernels

/// Chooses a user's items: those given beforehand, then one after the other in proportion to weight among those
/// left (successive sampling). Weights stand in a Fenwick tree (Fenwick 1994), so that a draw, and taking the
/// item out, is O(log items) however much has been taken. They are whole numbers: sums stay exact.
struct ItemDraw: Sendable {
    private let weights: [Int]
    private let tree: [Int]
    private let total: Int
    private let first: (offsets: [Int], items: [UInt32])

    /// A thread's own tree; whole again after every user.
    final class Scratch {
        fileprivate var tree: [Int]
        fileprivate init(_ tree: [Int]) { self.tree = tree }
    }

    /// - Parameter weights: relative odds, `[items]`, all positive.
    init(weights: [Double], first: (offsets: [Int], items: [UInt32])) {
        let scale = 0x1p40 / weights.max()!
        let whole = weights.map { max(1, Int($0 * scale)) }
        var tree = [0] + whole
        for node in 1..<tree.count {
            let parent = node + node & -node
            if parent < tree.count { tree[parent] += tree[node] }
        }
        self.weights = whole
        self.tree = tree
        total = whole.reduce(0, +)
        self.first = first
    }

    func scratch() -> Scratch { Scratch(tree) }

    /// Fills `chosen` with distinct items in random order.
    func choose(
        into chosen: UnsafeMutableBufferPointer<UInt32>, _ user: Int, _ stream: inout RandomStream, _ scratch: Scratch
    ) {
        scratch.tree.withUnsafeMutableBufferPointer { tree in
            var left = total
            var count = 0
            for item in first.items[first.offsets[user]..<first.offsets[user + 1]] {
                chosen[count] = item
                count += 1
                left -= weights[Int(item)]
                Self.add(-weights[Int(item)], at: Int(item), tree)
            }
            while count < chosen.count {
                let item = Self.find(stream.below(left), tree)
                chosen[count] = UInt32(item)
                count += 1
                left -= weights[item]
                Self.add(-weights[item], at: item, tree)
            }
            for item in chosen { Self.add(weights[Int(item)], at: Int(item), tree) }
        }
        for last in stride(from: chosen.count - 1, to: 0, by: -1) { chosen.swapAt(last, stream.below(last + 1)) }
    }

    private static func add(_ weight: Int, at item: Int, _ tree: UnsafeMutableBufferPointer<Int>) {
        var node = item + 1
        while node < tree.count {
            tree[node] += weight
            node += node & -node
        }
    }

    /// The item within whose weight `place` lies when weights are laid end to end.
    private static func find(_ place: Int, _ tree: UnsafeMutableBufferPointer<Int>) -> Int {
        var (node, rest) = (0, place)
        var step = 1 << (Int.bitWidth - 1 - (tree.count - 1).leadingZeroBitCount)
        while step > 0 {
            let next = node + step
            if next < tree.count, tree[next] <= rest {
                node = next
                rest -= tree[next]
            }
            step >>= 1
        }
        return node
    }
}
