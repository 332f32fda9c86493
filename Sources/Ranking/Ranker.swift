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
        let scratch = (0..<workers.count).map { _ in RankingScratch() }
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
        _ seen: InteractionMatrix<UserRow, ItemRow>?, _ scratch: [RankingScratch]
    ) -> [RankedList] {
        let top = max(1, min(count, index.count))
        let block = blockSize(top, users: users.count)
        let (base, step) = (vectors.base, vectors.stride)
        return [RankedList](unsafeUninitializedCapacity: users.count) { lists, initialised in
            let slots = UnsafeSendable(lists.baseAddress!)
            index.withKernelIndex { kernelIndex in
                workers.forEach((users.count + block - 1) / block) { index, worker in
                    let range = index * block..<min((index + 1) * block, users.count)
                    scratch[worker].rank(
                        kernelIndex, top, users[range], base + range.lowerBound * step, step, seen, isa
                    ) { slots.value.advanced(by: $0).initialize(to: $1) }
                }
            }
            initialised = users.count
        }
    }

    /// Users in a block: enough that a panel of items is used many times while it is in the nearest cache, few enough
    /// that every thread has some and that long lists stay within some megabytes. Results do not depend on it.
    private func blockSize(_ top: Int, users: Int) -> Int {
        let tile = Int(SK_RANK_TILE)
        let share = (users + workers.count - 1) / workers.count
        let affordable = (8 << 20) / (RankingScratch.capacity(top, items: index.count) * 8)
        let wanted = min(Self.largestBlock, share, max(1, affordable))
        return wanted < tile ? max(1, wanted) : wanted / tile * tile
    }

    private static let largestBlock = 96
}

/// Lets workers write disjoint places of one buffer.
private struct UnsafeSendable<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
