public import Basics

/// Batches of samples from shards, epoch after epoch: shuffled, partitioned among ranks, resumable.
///
/// The order of an epoch depends on its number and the seed alone. Batch b has the samples at positions b·B ..< (b + 1)·B of
/// it, the last one fewer, and of a batch of n samples rank r of R has those from r·n/R up to (r + 1)·n/R. So every sample
/// comes exactly once an epoch at any number of ranks, every rank gets as many batches as the others, batches of one number
/// differ by one sample at most, and a rank's part of the last batch may be empty: it is delivered all the same, so that
/// nobody waits for a rank that has ended.
///
/// ``state`` is a few numbers; another stream over the same shards goes on from it, also as one of another number of ranks.
///
/// ```swift
/// let stream = try ShardStream(source, options: .init(batchSize: 4096, seed: 7))
/// while let batch = try stream.next() { train(batch["user"], batch["item"]) }
/// ```
///
/// The next eight shards are opened in the background while the present ones are read. Every rank opens every shard; ranks of
/// one machine share what is fetched.
public final class ShardStream {
    public struct Options: Sendable {
        /// B, samples in a batch of all ranks together. Default: 4096.
        public var batchSize = 4096
        /// Whether an epoch has an order of its own; otherwise samples come as they lie. Default: true.
        public var shuffles = true
        /// Default: 42.
        public var seed: UInt64 = 42
        /// r and R: which part of each batch this stream delivers. Default: all of it.
        public var rank = 0, ranks = 1
        /// Columns to deliver; nil for all.
        public var columns: [String]?

        public init(batchSize: Int = 4096, shuffles: Bool = true, seed: UInt64 = 42) {
            (self.batchSize, self.shuffles, self.seed) = (batchSize, shuffles, seed)
        }
    }

    /// Where a stream stands.
    public struct State: Codable, Sendable, Equatable {
        /// From 0.
        public var epoch = 0
        /// Samples of the epoch that all ranks together have had.
        public var position = 0
        public var seed: UInt64
        public var shuffles: Bool
        /// Samples in the shards; a check.
        public var samples: Int

        public init(epoch: Int = 0, position: Int = 0, seed: UInt64, shuffles: Bool, samples: Int) {
            (self.epoch, self.position, self.samples) = (epoch, position, samples)
            (self.seed, self.shuffles) = (seed, shuffles)
        }
    }

    public let source: any ShardSource
    public private(set) var state: State
    private let options: Options
    private let chosen: [Int]
    private let cancellation: Cancellation?
    private var order: ShardOrder
    /// What the next epoch begins with.
    private var following: ShardOrder.Group
    /// Shards that are open or being opened.
    private var open: [Int: Background<any OpenShard>] = [:]

    /// - Parameters:
    ///   - state: of another stream over the same shards, to go on from; its seed and order hold then.
    /// - Throws: `usage` for options out of range; `badData` if a column is not there, there are no samples, or the state is
    ///   of other shards.
    public init(
        _ source: any ShardSource, options: Options = Options(), state: State? = nil, cancellation: Cancellation? = nil
    ) throws {
        guard options.batchSize >= 1, options.ranks >= 1, (0..<options.ranks).contains(options.rank) else {
            throw StarlingError(
                .usage, "a batch of \(options.batchSize) samples for rank \(options.rank) of \(options.ranks)",
                remedy: "use at least one sample, and ranks from 0 up to their number")
        }
        let samples = source.counts.reduce(0, +)
        guard samples > 0 else { throw StarlingError(.badData, "there are no samples", at: .init(file: source.name)) }
        if let state, state.samples != samples || state.position > samples {
            throw StarlingError(
                .badData, "the place to go on from is one of \(state.samples) samples, and here are \(samples)",
                at: .init(file: source.name), remedy: "go on with the shards that the run began with")
        }
        chosen = try (options.columns ?? source.columns.map(\.name)).map { name in
            guard let column = source.columns.firstIndex(where: { $0.name == name }) else {
                throw StarlingError(
                    .badData, "there is no column “\(name)”", at: .init(file: source.name),
                    remedy: "there are: " + source.columns.map(\.name).joined(separator: ", "))
            }
            return column
        }
        self.source = source
        self.options = options
        self.cancellation = cancellation
        self.state = state ?? State(seed: options.seed, shuffles: options.shuffles, samples: samples)
        (order, following) = Self.orders(source, self.state)
    }

    /// Batches in a whole epoch.
    public var batchesPerEpoch: Int { (state.samples + options.batchSize - 1) / options.batchSize }

    /// This rank's part of the next batch; nil once at the end of an epoch, after which the next one begins.
    ///
    /// - Throws: what opening and reading shards throws, `interrupted` when cancelled. The stream stays before the batch.
    public func next() throws -> StreamBatch? {
        if cancellation?.isCancelled ?? false { throw StarlingError(.interrupted, "reading was stopped") }
        guard state.position < state.samples else {
            state.epoch += 1
            state.position = 0
            (order, following) = Self.orders(source, state)
            return nil
        }
        let end = min(state.samples, state.position + options.batchSize)
        let (first, count) = (state.position, end - state.position)
        let own = first + count * options.rank / options.ranks..<first + count * (options.rank + 1) / options.ranks
        var (parts, position): ([BatchPart], Int) = ([], own.lowerBound)
        while position < own.upperBound {
            let number = order.group(at: position)
            let part = position..<min(own.upperBound, order.groups[number].positions.upperBound)
            parts.append(BatchPart(shards: try shards(ofGroup: number), rows: order.rows(part, ofGroup: number)))
            position = part.upperBound
        }
        let columns = try chosen.map { column in
            let kind = source.columns[column]
            return (kind.name, try StreamColumn(kind.values, ofColumn: column, parts))
        }
        state.position = end
        return StreamBatch(count: own.count, columns: Dictionary(uniqueKeysWithValues: columns))
    }

    private static func orders(_ source: any ShardSource, _ state: State) -> (ShardOrder, ShardOrder.Group) {
        func order(_ epoch: Int) -> ShardOrder {
            ShardOrder(counts: source.counts, shuffles: state.shuffles, seed: state.seed, epoch: epoch)
        }
        return (order(state.epoch), order(state.epoch + 1).groups[0])
    }

    /// The open shards of a group. Those of the next one, maybe the next epoch's first, are on their way then; others are
    /// closed when more than the two groups are open.
    private func shards(ofGroup number: Int) throws -> [any OpenShard] {
        let groups = order.groups
        let following = number + 1 < groups.count ? groups[number + 1] : self.following
        for members in [groups[number].shards, following.shards] {
            for shard in members where open[shard] == nil {
                open[shard] = Background { [source, cancellation] in
                    try source.open(shard, cancellation: cancellation)
                }
            }
        }
        if open.count > 2 * ShardOrder.together {
            let wanted = Set(groups[number].shards + following.shards)
            open = open.filter { wanted.contains($0.key) }
        }
        return try groups[number].shards.map { shard in
            do {
                return try open[shard]!.result()
            } catch {
                // Asked again, it is tried again.
                open[shard] = nil
                throw error
            }
        }
    }
}

/// One rank's part of a batch.
public struct StreamBatch: Sendable, Equatable {
    public let count: Int
    /// By name, of ``count`` values each.
    public let columns: [String: StreamColumn]

    /// Values of an integer column.
    public func integers(_ name: String) -> [Int64] {
        guard case .integers(let values)? = columns[name] else { preconditionFailure("no integers “\(name)”") }
        return values
    }

    /// Values of a column of numbers.
    public func numbers(_ name: String) -> [Float] {
        guard case .numbers(let values)? = columns[name] else { preconditionFailure("no numbers “\(name)”") }
        return values
    }
}
