import Starling

/// Interactions that were read and split, in the form that trainers and the model folder take.
struct TrainingData {
    let users: Vocabulary<UserRow>
    let items: Vocabulary<ItemRow>
    /// What trainers take; see ``keepSizes()``.
    private(set) var history: InteractionMatrix<UserRow, ItemRow>
    private(set) var heldOut: [ModelFolder.HeldOut: InteractionLog]
    let catalog: ItemCatalog?
    let userCatalog: UserCatalog?
    /// Interactions accepted, held-out ones included.
    let interactions: Int
    /// Those of training.
    let trainInteractions: Int
    /// Whether the source has times, which are let go when the split is done.
    let hasTimes: Bool
    let fingerprint: String
    let valueRange: ClosedRange<Float>?
    /// What users had, in the order of time, for models that go by it.
    let sequences: InteractionSequences?
    /// Where training reads its batches, with `--stream`; the histories have no values then.
    let shards: InteractionShards?
    /// Those that train together.
    let ranks: any Communicator
    /// What the histories were made of, where that was no log. A trainer that goes through passes itself takes these.
    private(set) var passes: SourcePasses?
    /// Where such a trainer has its grid.
    var grid: GridScratch?
    /// What the model's folder says in place of histories that can be read again; nil where it holds them.
    private(set) var referred: ReferredHistory?

    /// Lets go of what trainers have taken for themselves.
    mutating func keepSizes() {
        letGoOfHistory()
        heldOut = [:]
    }

    /// Lets go of histories that nobody needs any more: trainers have taken what they need.
    mutating func letGoOfHistory() {
        passes = nil
        history = .init(rows: history.rowCount, columnCount: history.columnCount)
    }

    /// Makes the model's folder refer to the histories, where they are many, or were never here, and can be read again.
    mutating func refer(_ reading: ReadingFlags, _ rule: SplitRule?, _ seed: UInt64) throws {
        guard try grid != nil || trainInteractions > HistoryReference.limit() else { return }
        let reference = try reading.reference(rule, seed, fingerprint: fingerprint, interactions: interactions)
        if let passes {
            referred = ReferredHistory(reference, activity: passes.activity, audience: passes.audience)
        } else {
            let known = TrainedHistory(history)
            referred = ReferredHistory(reference, activity: known.activity, audience: known.audience)
        }
    }

    /// Goes through the source with bars, prints the ingestion report, splits.
    ///
    /// - Parameter makesHistories: otherwise the trainer is to take ``passes``.
    static func load(
        _ indexed: IndexedSource, _ catalogs: CatalogFlags, _ rule: SplitRule?, makesHistories: Bool, _ seed: UInt64,
        _ workers: Workers, _ cancellation: Cancellation
    ) throws -> TrainingData {
        let (catalog, userCatalog) = (
            try catalogs.items.map { try ItemCatalog.read($0) }, try catalogs.users.map { try UserCatalog.read($0) }
        )
        indexed.report.tell()
        let passes = try ProgressBar.during("splitting", unit: "interactions") {
            try SourcePasses(
                indexed, split: rule, seed: seed, workers: workers, cancellation: cancellation, progress: $0)
        }
        tell(catalog, indexed.items)
        let history =
            makesHistories
            ? try ProgressBar.during("sorting", unit: "interactions") {
                try passes.userMatrix(workers: workers, cancellation: cancellation, progress: $0)
            } : .init(rows: indexed.users.count, columnCount: indexed.items.count)
        var heldOut: [ModelFolder.HeldOut: InteractionLog] = [:]
        (heldOut[.validation], heldOut[.test]) = (passes.validation, passes.test)
        return TrainingData(
            users: indexed.users, items: indexed.items, history: history, heldOut: heldOut, catalog: catalog,
            userCatalog: userCatalog, interactions: indexed.count, trainInteractions: passes.entryCount,
            hasTimes: indexed.hasTimes, fingerprint: passes.fingerprint, valueRange: passes.valueRange, sequences: nil,
            shards: nil, ranks: OneRank(), passes: passes)
    }

    /// Says how many items have a title.
    private static func tell(_ catalog: ItemCatalog?, _ items: Vocabulary<ItemRow>) {
        guard let catalog else { return }
        let known = items.rawIDs.filter { catalog[$0] != nil }.count
        FileHandles.standardError(
            "titles  \(Numerals.grouped(known)) of \(Numerals.grouped(items.count)) items have one\n")
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
        let hasTimes = log.times != nil
        log = streams ? log.pairs : log.withoutTimes
        if ranks.rank == 0 { tell(catalog, log.items) }
        let history =
            partition.map { log.userMatrix(of: .train, in: $0, workers: workers) } ?? log.userMatrix(workers: workers)
        return TrainingData(
            users: log.users, items: log.items, history: history, heldOut: heldOut, catalog: catalog,
            userCatalog: userCatalog, interactions: log.count, trainInteractions: history.entryCount,
            hasTimes: hasTimes, fingerprint: fingerprint,
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

extension InteractionMatrix {
    /// Without entries.
    fileprivate init(rows: Int, columnCount: Int) {
        self.init(
            offsets: [Int](repeating: 0, count: rows + 1), columns: [], values: nil, columnCount: columnCount)
    }
}
