import Starling

/// A log that was read and split, in the form that trainers and the model folder take.
struct TrainingData {
    let users: Vocabulary<UserRow>
    let items: Vocabulary<ItemRow>
    let history: InteractionMatrix<UserRow, ItemRow>
    let heldOut: [ModelFolder.HeldOut: InteractionLog]
    let catalog: ItemCatalog?
    let userCatalog: UserCatalog?
    /// Interactions accepted, held-out ones included.
    let interactions: Int
    let fingerprint: String
    let valueRange: ClosedRange<Float>?

    /// Reads with a bar, prints the ingestion report, splits. What is not in the result is let go on the way: times as soon
    /// as the split is done, the log when users' histories stand.
    static func load(
        _ reading: ReadingFlags, _ catalogs: CatalogFlags, _ rule: SplitRule?, _ seed: UInt64, _ workers: Workers,
        _ cancellation: Cancellation
    ) throws -> TrainingData {
        let catalog = try catalogs.items.map { try ItemCatalog.read($0) }
        let userCatalog = try catalogs.users.map { try UserCatalog.read($0) }
        var log = try reading.read(workers: workers, cancellation: cancellation).log
        let fingerprint = log.fingerprint(workers: workers)
        var partition: LogPartition?
        var heldOut: [ModelFolder.HeldOut: InteractionLog] = [:]
        if let rule {
            let made = try log.partition(rule, seed: seed, workers: workers)
            heldOut[.validation] = log.part(.validation, of: made)
            heldOut[.test] = log.part(.test, of: made)
            heldOut[.foldIn] = log.part(.foldIn, of: made)
            partition = made
        }
        log = log.withoutTimes
        if let catalog {
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
            })
    }
}
