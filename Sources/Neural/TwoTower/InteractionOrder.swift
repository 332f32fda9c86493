import Basics
import Interactions
import Kernels

/// The interactions of training in orders of their own for each epoch, the same on every rank.
protocol InteractionOrder {
    var count: Int { get }

    /// Those at some places of an epoch's order. Asked for one range behind another, or the same once more.
    mutating func interactions(_ places: Range<Int>, epoch: Int) throws -> OrderedInteractions
}

/// Interactions behind one another in an order.
struct OrderedInteractions {
    var users, items: ArraySlice<UInt32>
    var values: ArraySlice<Float>?

    init(users: [UInt32], items: [UInt32], values: [Float]?) {
        (self.users, self.items, self.values) = (users[...], items[...], values?[...])
    }

    subscript(_ part: Range<Int>) -> OrderedInteractions {
        var own = self
        (own.users, own.items, own.values) = (users[part], items[part], values?[part])
        return own
    }
}

/// Of histories in memory: any order is as likely as any other.
struct HistoryOrder: InteractionOrder {
    private let history: InteractionMatrix<UserRow, ItemRow>
    /// Of each entry.
    private let userRows: [UInt32]
    private let seed: UInt64
    private var shuffled: (epoch: Int, order: RandomPermutation)?

    init(_ history: InteractionMatrix<UserRow, ItemRow>, seed: UInt64) {
        (self.history, self.seed) = (history, seed)
        var rows: [UInt32] = []
        rows.reserveCapacity(history.entryCount)
        for user in 0..<history.rowCount {
            rows.append(contentsOf: repeatElement(UInt32(user), count: history[UserRow(user)].count))
        }
        userRows = rows
    }

    var count: Int { history.entryCount }

    mutating func interactions(_ places: Range<Int>, epoch: Int) -> OrderedInteractions {
        if shuffled?.epoch != epoch {
            var random = RandomStream(seed: seed, .order, index: UInt64(epoch))
            shuffled = (epoch, RandomPermutation(count: count, random: &random))
        }
        let entries = [UInt32](unsafeUninitializedCapacity: places.count) { target, filled in
            shuffled!.order.copy(places, to: target.baseAddress!)
            filled = places.count
        }
        return OrderedInteractions(
            users: entries.map { userRows[Int($0)] }, items: entries.map { history.columns[Int($0)] },
            values: history.values.map { values in entries.map { values[Int($0)] } })
    }
}

/// Of shards, read as training goes on, in the order of a ``ShardStream``. Of several ranks each reads its part, and tells the
/// others.
struct ShardInteractionOrder: InteractionOrder {
    private let shards: InteractionShards
    private let users: Vocabulary<UserRow>
    private let items: Vocabulary<ItemRow>
    private let seed: UInt64
    private let ranks: any Communicator
    private var stream: ShardStream?
    /// What was asked for last.
    private var last: (epoch: Int, places: Range<Int>, found: OrderedInteractions)?

    init(
        _ shards: InteractionShards, _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>, seed: UInt64,
        ranks: any Communicator
    ) {
        (self.shards, self.users, self.items, self.seed, self.ranks) = (shards, users, items, seed, ranks)
    }

    var count: Int { shards.source.counts.reduce(0, +) }

    mutating func interactions(_ places: Range<Int>, epoch: Int) throws -> OrderedInteractions {
        if let last, last.epoch == epoch, last.places == places { return last.found }
        let own = try ranks.together { try read(places, epoch) }
        let found = OrderedInteractions(
            users: try joined(own.users), items: try joined(own.items), values: try own.values.map { try joined($0) })
        last = (epoch, places, found)
        return found
    }

    /// This rank's part.
    private mutating func read(
        _ places: Range<Int>, _ epoch: Int
    ) throws -> (users: [UInt32], items: [UInt32], values: [Float]?) {
        // Reading on from an epoch's end begins the next, whose first shards are open already.
        if stream?.state.position == count { _ = try stream?.next() }
        if stream?.state.epoch != epoch || stream?.state.position != places.lowerBound {
            stream = try opened(at: places, epoch)
        }
        guard let batch = try stream!.next() else { preconditionFailure("places within an epoch") }
        guard stream!.state.position == places.upperBound else {
            stream = nil
            return try read(places, epoch)
        }
        return try shards.interactions(of: batch, users, items)
    }

    /// The ranks' parts behind one another.
    private func joined<Value: BitwiseCopyable>(_ own: [Value]) throws -> [Value] {
        ranks.size == 1 ? own : try own.withUnsafeBufferPointer { Array(try ranks.gathered($0).joined()) }
    }

    private func opened(at places: Range<Int>, _ epoch: Int) throws -> ShardStream {
        var options = ShardStream.Options(batchSize: places.count, seed: seed)
        (options.rank, options.ranks) = (ranks.rank, ranks.size)
        options.columns = [shards.user, shards.item] + (shards.value.map { [$0] } ?? [])
        let state = ShardStream.State(
            epoch: epoch, position: places.lowerBound, seed: seed, shuffles: true, samples: count)
        return try ShardStream(shards.source, options: options, state: state)
    }
}
