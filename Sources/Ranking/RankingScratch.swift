import CKernels
import Interactions
import Kernels

/// What one worker needs to rank a block of users: packed vectors, candidates, sort keys. Grows as needed and is
/// used again from block to block.
///
/// `@unchecked Sendable`: each worker has its own.
final class RankingScratch: @unchecked Sendable {
    private var packed: [Float] = []
    private var states: [sk_rank_user] = []
    private var scores: [Float] = []
    private var items: [UInt32] = []
    private var keys: [UInt64] = []

    /// Candidates that one user's list has room for: twice what is wanted, so that lists are seldom shortened, but no
    /// more than all items.
    static func capacity(_ top: Int, items: Int) -> Int {
        let panel = Int(SK_RANK_PANEL)
        return min(items, max(2 * top, top + 2 * panel)) + panel
    }

    /// Ranks a block and calls `each` for every user with the position in the array that `users` is a slice of.
    ///
    /// - Parameter vectors: the vector of the first user of the block, `step` floats before the next.
    func rank(
        _ index: UnsafePointer<sk_rank_index>, _ top: Int, _ users: ArraySlice<UserRow>,
        _ vectors: UnsafePointer<Float>, _ step: Int, _ seen: InteractionMatrix<UserRow, ItemRow>?,
        _ isa: InstructionSet, each: (Int, RankedList) -> Void
    ) {
        let capacity = Self.capacity(top, items: index.pointee.panel_count * Int(SK_RANK_PANEL))
        reserve(users.count, top: top, capacity: capacity, dimensions: index.pointee.dimensions)
        let noItems = [UInt32]()
        (seen?.columns ?? noItems).withUnsafeBufferPointer { seenItems in
            packed.withUnsafeMutableBufferPointer { packed in
                scores.withUnsafeMutableBufferPointer { scores in
                    items.withUnsafeMutableBufferPointer { items in
                        states.withUnsafeMutableBufferPointer { states in
                            for (slot, user) in users.enumerated() {
                                let history = seen.map { $0.offsets[user.index]..<$0.offsets[user.index + 1] } ?? 0..<0
                                let first = seenItems.baseAddress.map { UnsafePointer($0) + history.lowerBound }
                                states[slot] = sk_rank_user(
                                    threshold: -.infinity, top: UInt32(top), count: 0, capacity: UInt32(capacity),
                                    scores: scores.baseAddress! + slot * capacity,
                                    items: items.baseAddress! + slot * capacity,
                                    seen: first, seen_end: first.map { $0 + history.count })
                            }
                            Self.scan(isa)(
                                index, vectors, step, users.count, packed.baseAddress!, states.baseAddress!)
                            for slot in 0..<users.count {
                                each(users.startIndex + slot, finish(&states[slot]))
                            }
                        }
                    }
                }
            }
        }
    }

    private func finish(_ state: inout sk_rank_user) -> RankedList {
        let count = Int(keys.withUnsafeMutableBufferPointer { sk_rank_finish(&state, $0.baseAddress!) })
        return RankedList(
            items: UnsafeBufferPointer(start: state.items, count: count).map { ItemRow(Int($0)) },
            scores: Array(UnsafeBufferPointer(start: state.scores, count: count)))
    }

    private func reserve(_ users: Int, top: Int, capacity: Int, dimensions: Int) {
        let tile = Int(SK_RANK_TILE)
        let rounded = (users + tile - 1) / tile * tile
        grow(&packed, to: rounded * dimensions, with: 0)
        grow(&scores, to: users * capacity, with: 0)
        grow(&items, to: users * capacity, with: 0)
        grow(&keys, to: 2 * top, with: 0)
        grow(&states, to: rounded, with: sk_rank_user())
    }

    private func grow<Element>(_ array: inout [Element], to count: Int, with element: Element) {
        if array.count < count { array = [Element](repeating: element, count: count) }
    }

    private static func scan(
        _ isa: InstructionSet
    ) -> (
        UnsafePointer<sk_rank_index>, UnsafePointer<Float>, Int, Int, UnsafeMutablePointer<Float>,
        UnsafeMutablePointer<sk_rank_user>
    ) -> Void {
        #if arch(x86_64)
        switch isa {
        case .baseline: sk_rank_block_baseline
        case .avx2: sk_rank_block_avx2
        case .avx512, .avx512vnni: sk_rank_block_avx512
        }
        #else
        sk_rank_block_baseline
        #endif
    }
}
