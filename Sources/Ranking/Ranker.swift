public import Basics
internal import CKernels
public import Interactions
public import Kernels

/// Finds the items with the highest scores: the same code for one user and for a million.
///
/// ```swift
/// let ranker = Ranker(index: index, workers: workers)
/// let lists = try ranker.top(10, for: users, encoder: model, excluding: history)
/// ```
///
/// A score is the dot product, added up over the dimensions in rising order, one rounding a step (the `baseline`
/// instruction set: two). So it has the same bits whatever the number of users, threads, or items asked for, with
/// AVX2 as with AVX-512. An item whose score is NaN or −∞ is never recommended.
///
/// Users go in blocks over a fixed grid; all items stream past a block, panel by panel, and each score is compared
/// with the user's current `count`-th best while still in a register.
///
/// With `avx512vnni` most scores are never computed: **filter and refine**. Vectors rounded to 8-bit integers give each
/// score up to an error that is bounded rigorously, roundings included; whole panels of items are left out by the
/// Cauchy–Schwarz bound; only items that the bounds cannot exclude (little more than `count` of them) get their score,
/// the same bits as without the filter, and are sorted by it. So the lists are the same, ties included. Users whose
/// scores the bounds cannot tell apart are ranked by scoring everything. The method is that of the VA-file for nearest
/// neighbours (Weber, Schek, Blott, VLDB 1998); leaving out by lengths, with items in falling order, is LEMP's (Teflioudi,
/// Gemulla, Mykytiuk, SIGMOD 2015), bounded integers for dot products are FEXIPRO's (Li, Chan, Yiu, Mamoulis,
/// SIGMOD 2017). `sk_filter.h` has the bounds.
public struct Ranker: Sendable {
    public let index: ItemIndex
    public let workers: Workers
    public let isa: InstructionSet

    /// - Parameter isa: the best this machine runs; pass `try .current()` to heed `STARLING_ISA`.
    public init(index: ItemIndex, workers: Workers, isa: InstructionSet = .best) {
        precondition(isa <= .best, "this processor does not run \(isa.name)")
        self.index = index
        self.workers = workers
        self.isa = isa
    }

    /// The best `count` items for each user, given to `each` in the order of `users`, with bounded memory.
    ///
    /// - Parameters:
    ///   - count: how many items, at least 1; a list is shorter where fewer are left.
    ///   - seen: items to leave out, `[users × items]`; nil leaves none out.
    ///   - cancellation: looked at every few thousand users.
    ///   - each: called on the caller's thread with the position in `users`. What it throws ends the work.
    /// - Throws: `interrupted` when cancelled; what the encoder or `each` throws.
    /// - Complexity: O(users × items × dimensions).
    public func top(
        _ count: Int, for users: [UserRow], encoder: some QueryEncoder,
        excluding seen: InteractionMatrix<UserRow, ItemRow>?, cancellation: Cancellation? = nil,
        each: (_ position: Int, RankedList) throws -> Void
    ) throws {
        precondition(count >= 1, "at least one item must be asked for")
        precondition(encoder.dimensions == index.dimensions, "the encoder and the index differ in dimensions")
        precondition(seen.map { $0.columnCount == index.count } ?? true, "the history is not of this index's items")
        let wave = waveSize(count, users: users.count)
        let vectors = FactorTable(rows: wave, width: index.dimensions)
        let scratch = Scratch(workers: workers.count)
        for start in stride(from: 0, to: users.count, by: wave) {
            if cancellation?.isCancelled ?? false { throw StarlingError(.interrupted, "ranking was stopped") }
            let part = Array(users[start..<min(start + wave, users.count)])
            try encoder.encode(part, into: vectors)
            let lists = rank(count, part, vectors, seen, scratch)
            for (position, list) in lists.enumerated() { try each(start + position, list) }
        }
    }

    /// The best `count` items for each user, all at once. See ``top(_:for:encoder:excluding:cancellation:each:)``.
    public func top(
        _ count: Int, for users: [UserRow], encoder: some QueryEncoder,
        excluding seen: InteractionMatrix<UserRow, ItemRow>?, cancellation: Cancellation? = nil
    ) throws -> [RankedList] {
        var lists: [RankedList] = []
        lists.reserveCapacity(users.count)
        try top(count, for: users, encoder: encoder, excluding: seen, cancellation: cancellation) { lists.append($1) }
        return lists
    }

    /// Users that are encoded and ranked before any is handed out: some thousand, or as many as keep vectors and
    /// lists within 64 MB.
    private func waveSize(_ count: Int, users: Int) -> Int {
        let listed = min(count, index.count) * (MemoryLayout<ItemRow>.size + MemoryLayout<Float>.size)
        let bytes = listed + FactorTable.bytes(rows: 1, width: index.dimensions)
        return max(1, min(users, max(Self.largestBlock, min(64 * Self.largestBlock, (64 << 20) / bytes))))
    }

    private func rank(
        _ count: Int, _ users: [UserRow], _ vectors: borrowing FactorTable,
        _ seen: InteractionMatrix<UserRow, ItemRow>?, _ scratch: Scratch
    ) -> [RankedList] {
        let top = max(1, min(count, index.count))
        let (base, step) = (vectors.base, vectors.stride)
        return [RankedList](unsafeUninitializedCapacity: users.count) { lists, initialised in
            let slots = lists.baseAddress!
            guard isa >= .avx512vnni, scratch.filterHelps,
                let filter = index.filter(top: top, users: users.count, workers)
            else {
                score(top, users, base, step, seen, scratch) { slots.advanced(by: $0).initialize(to: $1) }
                return initialised = users.count
            }
            let left = self.filter(filter, top, users, base, step, seen, scratch, slots)
            scratch.filterHelps = left.count <= users.count / 2
            if !left.isEmpty {
                let gathered = FactorTable(rows: left.count, width: index.dimensions)
                for (row, position) in left.enumerated() {
                    (gathered.base + row * step).update(from: base + position * step, count: index.dimensions)
                }
                let destination = UnsafeSendable(slots)
                score(top, left.map { users[$0] }, gathered.base, step, seen, scratch) {
                    destination.value.advanced(by: left[$0]).initialize(to: $1)
                }
            }
            initialised = users.count
        }
    }

    /// Ranks by scoring everything.
    private func score(
        _ top: Int, _ users: [UserRow], _ vectors: UnsafePointer<Float>, _ step: Int,
        _ seen: InteractionMatrix<UserRow, ItemRow>?, _ scratch: Scratch, each: (Int, RankedList) -> Void
    ) {
        let block = blockSize(users.count, bytes: RankingScratch.capacity(top, items: index.count) * 8, within: 8 << 20)
        index.withPanels(workers) { panels in
            workers.forEach((users.count + block - 1) / block) { part, worker in
                let range = part * block..<min((part + 1) * block, users.count)
                scratch.scoring[worker].rank(
                    panels, top, users[range], vectors + range.lowerBound * step, step, seen, isa, each: each)
            }
        }
    }

    /// Ranks with a filter. Returns the positions of users that are left to be ranked by scoring everything.
    private func filter(
        _ filter: ItemFilter, _ top: Int, _ users: [UserRow], _ vectors: UnsafePointer<Float>, _ step: Int,
        _ seen: InteractionMatrix<UserRow, ItemRow>?, _ scratch: Scratch, _ lists: UnsafeMutablePointer<RankedList>
    ) -> [Int] {
        let block = blockSize(
            users.count, bytes: FilterScratch.bytesPerUser(top, items: index.count), within: 32 << 20)
        var isLeft = [Bool](repeating: false, count: users.count)
        isLeft.withUnsafeMutableBufferPointer { isLeft in
            let isLeft = isLeft.baseAddress!
            workers.forEach((users.count + block - 1) / block) { part, worker in
                let range = part * block..<min((part + 1) * block, users.count)
                scratch.filtering[worker].rank(
                    filter, top, users[range], vectors + range.lowerBound * step, step, seen
                ) { position, list in
                    if let list {
                        lists.advanced(by: position).initialize(to: list)
                    } else {
                        isLeft[position] = true
                    }
                }
            }
        }
        return isLeft.indices.filter { isLeft[$0] }
    }

    /// Users in a block: enough that a panel of items is used many times while it is in the nearest cache, few enough
    /// that every thread has some and that what they need, `bytes` each, stays within `most`. Results do not depend on it.
    private func blockSize(_ users: Int, bytes: Int, within most: Int) -> Int {
        let tile = Int(SK_RANK_TILE)
        let share = (users + workers.count - 1) / workers.count
        let wanted = min(Self.largestBlock, share, max(1, most / bytes))
        return wanted < tile ? max(1, wanted) : wanted / tile * tile
    }

    private static let largestBlock = 96
}

/// What is kept from wave to wave: room for each worker, and whether filtering is worth going on with.
private final class Scratch {
    let scoring: [RankingScratch], filtering: [FilterScratch]
    var filterHelps = true

    init(workers: Int) {
        scoring = (0..<workers).map { _ in RankingScratch() }
        filtering = (0..<workers).map { _ in FilterScratch() }
    }
}

/// Lets workers write disjoint places of one buffer.
private struct UnsafeSendable<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
