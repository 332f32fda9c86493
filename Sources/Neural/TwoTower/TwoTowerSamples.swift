import Basics
import Interactions
import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Makes batches of interactions, with what is drawn beside them. That depends on seed, epoch and place alone.
struct TwoTowerSamples {
    let history: InteractionMatrix<UserRow, ItemRow>
    private let options: TwoTowerOptions
    /// Items with interactions, and the share of all interactions that each item has, `[items]`.
    private let trainedItems: [UInt32]
    private let shares: [Float]

    init(_ history: InteractionMatrix<UserRow, ItemRow>, _ options: TwoTowerOptions) {
        (self.history, self.options) = (history, options)
        var counts = [Int](repeating: 0, count: history.columnCount)
        for item in history.columns { counts[Int(item)] += 1 }
        trainedItems = counts.indices.filter { counts[$0] > 0 }.map { UInt32($0) }
        shares = counts.map { Float($0) / Float(max(1, history.entryCount)) }
    }

    var count: Int { history.entryCount }
    var users: Int { history.rowCount }
    var items: Int { history.columnCount }

    /// The interactions at `places` of an epoch's order.
    func batch(_ interactions: OrderedInteractions, at places: Range<Int>, epoch: Int) -> TwoTowerBatch {
        var batch = TwoTowerBatch(
            users: Array(interactions.users), items: Array(interactions.items),
            random: RandomStream(
                seed: options.seed, .dropout, index: UInt64(epoch), counter: UInt64(places.lowerBound)))
        var random = RandomStream(
            seed: options.seed, .negatives, index: UInt64(epoch),
            counter: UInt64(places.lowerBound) * UInt64(16 * (options.drawn + 1)))
        switch options.loss {
        case .softmax:
            for _ in 0..<options.drawn { batch.items.append(drawn(&random)) }
            let pairs = BatchPairs(users: batch.users, items: batch.items, userCount: users, itemCount: items) {
                logCount($0, places.count)
            }
            (batch.pairs, batch.users, batch.items) = (pairs, pairs.users, pairs.items)
        case .bce, .bpr:
            if let threshold = options.labelThreshold {
                batch.labels = interactions.values!.map { Double($0) >= threshold ? 1 : 0 }
            } else {
                let users = batch.users
                for _ in 0..<options.drawn { batch.items += users.map { unseen(by: $0, &random) } }
            }
        }
        return batch
    }

    /// The logarithm of how often an item is expected in a batch of so many interactions and what is drawn beside it.
    private func logCount(_ item: UInt32, _ positives: Int) -> Float {
        let share = shares[Int(item)]
        let uniform = 1 / Float(trainedItems.count)
        let drawn: Float =
            switch options.sampling {
            case .uniform: uniform
            case .popularity: share
            case .mixed: (uniform + share) / 2
            }
        return log(Float(positives) * share + Float(options.drawn) * drawn)
    }

    private func drawn(_ random: inout RandomStream) -> UInt32 {
        let popular =
            switch options.sampling {
            case .uniform: false
            case .popularity: true
            case .mixed: random.below(2) == 1
            }
        return popular ? history.columns[random.below(count)] : trainedItems[random.below(trainedItems.count)]
    }

    /// A drawn item that the user has not had; after eight tries, any.
    private func unseen(by user: UInt32, _ random: inout RandomStream) -> UInt32 {
        let row = history[UserRow(Int(user))]
        var item = drawn(&random)
        for _ in 0..<7 where row.contains(sorted: item) { item = drawn(&random) }
        return item
    }
}

/// Interactions of one step.
struct TwoTowerBatch {
    /// Those that go through the tower: with softmax the batch's, each once; otherwise those of the interactions in their
    /// order.
    var users: [UInt32]
    /// Likewise, with drawn ones in whole rounds of one for each user behind them.
    var items: [UInt32]
    /// Of the users' own items, with bce of ratings.
    var labels: [Float]?
    /// With softmax.
    var pairs: BatchPairs?
    private var random: RandomStream

    init(users: [UInt32], items: [UInt32], random: RandomStream) {
        (self.users, self.items, self.random) = (users, items, random)
    }

    /// Which ids are taken as unknown: of users, then of items.
    func unknown(_ rate: (users: Double, items: Double)) -> (users: [Bool], items: [Bool]) {
        var random = random
        func draw(_ count: Int, _ rate: Double) -> [Bool] {
            rate == 0 ? [Bool](repeating: false, count: count) : (0..<count).map { _ in random.uniform() < rate }
        }
        return (draw(users.count, rate.users), draw(items.count, rate.items))
    }
}

extension TwoTowerBatch {
    /// The places of the users and items that go through the towers here: parts of what the batch has once each, or of the
    /// interactions with what was drawn for them.
    func places(of ranks: any Communicator) -> (users: [Int], items: [Int]) {
        let part = ranks.part(of: users.count)
        guard pairs == nil else { return (Array(part), Array(ranks.part(of: items.count))) }
        return (
            Array(part), stride(from: 0, to: items.count, by: users.count).flatMap { round in part.map { round + $0 } }
        )
    }
}

extension ArraySlice<UInt32> {
    /// Whether a rising slice holds a number.
    fileprivate func contains(sorted number: UInt32) -> Bool {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < endIndex && self[low] == number
    }
}
