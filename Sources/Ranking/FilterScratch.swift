import CKernels
import Interactions
import Kernels

/// What one worker needs to filter and rank a block of users. Grows as needed and is used again from block to block.
///
/// `@unchecked Sendable`: each worker has its own.
final class FilterScratch: @unchecked Sendable {
    private var work = sk_filter_work()
    private var memory: [UnsafeMutableRawPointer] = []
    private var reserved = (users: 0, top: 0)
    private var items: [UInt32] = []
    private var scores: [Float] = []

    /// Candidates that one user's list has room for.
    private static func capacity(_ top: Int) -> Int { max(4 * top, top + 256) }

    /// Memory that each user of a block takes.
    static func bytesPerUser(_ top: Int, items: Int) -> Int { capacity(top) * 12 + items / 8 }

    /// Ranks a block and calls `each` for every user with the position in the array that `users` is a slice of; with nil
    /// where the filter gave up.
    ///
    /// - Parameter vectors: the vector of the first user of the block, `step` floats before the next.
    func rank(
        _ filter: ItemFilter, _ top: Int, _ users: ArraySlice<UserRow>, _ vectors: UnsafePointer<Float>, _ step: Int,
        _ seen: InteractionMatrix<UserRow, ItemRow>?, each: (Int, RankedList?) -> Void
    ) {
        #if arch(x86_64)
        reserve(users.count, top, filter)
        if let seen { bar(users, seen, filter) { $0 |= $1 } }
        sk_filter_block(filter.index, &work, vectors, step, users.count)
        // Left as it was found: all zeros.
        if let seen { bar(users, seen, filter) { bits, _ in bits = 0 } }
        for slot in 0..<users.count {
            let count = Int(sk_filter_finish(filter.index, &work, slot, vectors + slot * step, &items, &scores))
            let list =
                count < 0
                ? nil
                : RankedList(items: items.prefix(count).map { ItemRow(Int($0)) }, scores: Array(scores.prefix(count)))
            each(users.startIndex + slot, list)
        }
        #else
        preconditionFailure("there is no filter for this processor")
        #endif
    }

    /// Changes the bits of the items that each user has seen.
    private func bar(
        _ users: ArraySlice<UserRow>, _ seen: InteractionMatrix<UserRow, ItemRow>, _ filter: ItemFilter,
        _ change: (inout UInt32, _ bit: UInt32) -> Void
    ) {
        let (width, tile, panels) = (UInt32(SK_FILTER_PANEL), Int(SK_FILTER_TILE), filter.index.pointee.panel_count)
        filter.places.withUnsafeBufferPointer { places in
            seen.columns.withUnsafeBufferPointer { columns in
                for (slot, user) in users.enumerated() {
                    let bits = work.barred + slot / tile * panels * tile + slot % tile
                    for column in columns[seen.offsets[user.index]..<seen.offsets[user.index + 1]] {
                        let place = places[Int(column)]
                        if place != .max { change(&bits[Int(place / width) * tile], 1 << (place % width)) }
                    }
                }
            }
        }
    }

    private func reserve(_ users: Int, _ top: Int, _ filter: ItemFilter) {
        guard users > reserved.users || top != reserved.top else { return }
        release()
        let tile = Int(SK_FILTER_TILE)
        let (tiles, capacity) = ((users + tile - 1) / tile, Self.capacity(top))
        let step = FactorTable.stride(capacity + 16)
        let index = filter.index.pointee
        work = sk_filter_work(
            top: UInt32(top), capacity: UInt32(capacity), step: step, tiles: room(tiles, sk_filter_tile()),
            packed: room(tiles * tile * index.groups, 0), low: room(tiles * tile * step, 0),
            high: room(tiles * tile * step, 0), places: room(tiles * tile * step, 0),
            barred: room(tiles * tile * index.panel_count, 0), scores: room(step, 0), keys: room(2 * step, 0))
        items = [UInt32](repeating: 0, count: top)
        scores = [Float](repeating: 0, count: top)
        reserved = (users, top)
    }

    private func room<Element: BitwiseCopyable>(_ count: Int, _ zero: Element) -> UnsafeMutablePointer<Element> {
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<Element>.stride, alignment: 64)
        memory.append(raw)
        let typed = raw.bindMemory(to: Element.self, capacity: count)
        typed.initialize(repeating: zero, count: count)
        return typed
    }

    private func release() {
        for pointer in memory { pointer.deallocate() }
        memory = []
    }

    deinit { release() }
}
