import Starling

/// A log that was read and split, in the form that trainers and the model folder take.
struct TrainingData {
    let users: Vocabulary<UserRow>
    let items: Vocabulary<ItemRow>
    private(set) var history: InteractionMatrix<UserRow, ItemRow>
    private(set) var heldOut: [ModelFolder.HeldOut: InteractionLog]
    let catalog: ItemCatalog?
    let userCatalog: UserCatalog?
    /// Interactions accepted, held-out ones included.
    let interactions: Int
    let fingerprint: String
    let valueRange: ClosedRange<Float>?
    /// What users had, in the order of time, for models that go by it.
    let sequences: InteractionSequences?
    /// Where training reads its batches, with `--stream`; the histories have no values then.
    let shards: InteractionShards?
    /// Those that train together.
    let ranks: any Communicator

    /// Lets go of what trainers have taken for themselves.
    mutating func keepSizes() {
        history = InteractionMatrix(
            offsets: [Int](repeating: 0, count: history.rowCount + 1), columns: [], values: nil,
            columnCount: history.columnCount)
        heldOut = [:]
    }

    /// Reads with a bar, prints the ingestion report, splits. What is not in the result is let go on the way: times as soon
    /// as the split is done, the log when users' histories stand.
    static func load(
        _ reading: ReadingFlags, _ catalogs: CatalogFlags, _ rule: SplitRule?, streams: Bool = false,
        ordered: Bool = false, _ seed: UInt64, _ ranks: any Communicator, _ workers: Workers,
        _ cancellation: Cancellation
    ) throws -> TrainingData {
        let (catalog, userCatalog, folders, shards) = try ranks.together {
            let folders = rule == .folders ? try reading.partFolders() : nil
            return (
                try catalogs.items.map { try ItemCatalog.read($0) },
                try catalogs.users.map { try UserCatalog.read($0) }, folders,
                streams ? try reading.shards(part: folders?.train, cancellation) : nil
            )
        }
        var (log, partition) = try read(reading, folders, ranks, workers, cancellation)
        let fingerprint = log.fingerprint(workers: workers)
        if ordered, log.times == nil {
            if ranks.rank == 0 {
                FileHandles.standardError("times   the data has none: its order is taken as the order in time\n")
            }
            log = log.inOrder
        }
        var heldOut: [ModelFolder.HeldOut: InteractionLog] = [:]
        if let rule {
            let made = try partition ?? log.partition(rule, seed: seed, workers: workers)
            heldOut[.validation] = log.part(.validation, of: made)
            heldOut[.test] = log.part(.test, of: made)
            heldOut[.foldIn] = log.part(.foldIn, of: made)
            partition = made
        }
        let sequences =
            ordered ? InteractionSequences(partition.map { log.part(.train, of: $0)! } ?? log) : nil
        log = streams ? log.pairs : log.withoutTimes
        if let catalog, ranks.rank == 0 {
            let known = log.items.rawIDs.filter { catalog[$0] != nil }.count
            FileHandles.standardError(
                "titles  \(Numerals.grouped(known)) of \(Numerals.grouped(log.items.count)) items have one\n")
        }
        let history =
            partition.map { log.userMatrix(of: .train, in: $0, workers: workers) } ?? log.userMatrix(workers: workers)
        return TrainingData(
            users: log.users, items: log.items, history: history, heldOut: heldOut, catalog: catalog,
            userCatalog: userCatalog, interactions: log.count, fingerprint: fingerprint,
            valueRange: history.values.flatMap { values in
                values.isEmpty
                    ? nil
                    : values.reduce(into: values[0]...values[0]) { range, value in
                        range = min(range.lowerBound, value)...max(range.upperBound, value)
                    }
            }, sequences: sequences, shards: shards, ranks: ranks)
    }

    /// The source's log, or that of its folders with which part each interaction is of.
    private static func read(
        _ reading: ReadingFlags, _ folders: PartFolders?, _ ranks: any Communicator, _ workers: Workers,
        _ cancellation: Cancellation
    ) throws -> (InteractionLog, LogPartition?) {
        func log(_ part: String?) throws -> InteractionLog {
            try reading.read(part: part, workers: workers, cancellation: cancellation, ranks: ranks).log
        }
        guard let folders else { return (try log(nil), nil) }
        let (joined, partition) = try InteractionLog.joining(
            train: try log(folders.train), validation: try folders.validation.map(log),
            test: try folders.test.map(log))
        return (joined, partition)
    }
}
