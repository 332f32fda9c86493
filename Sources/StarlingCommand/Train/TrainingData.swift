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

    /// Reads with a bar, prints the ingestion report, splits. The whole log is let go on return.
    static func load(
        _ reading: ReadingFlags, _ catalogs: CatalogFlags, _ rule: SplitRule?, _ seed: UInt64, _ workers: Workers,
        _ cancellation: Cancellation
    ) throws -> TrainingData {
        let catalog = try catalogs.items.map { try ItemCatalog.read($0) }
        let userCatalog = try catalogs.users.map { try UserCatalog.read($0) }
        let loaded = try reading.read(workers: workers, cancellation: cancellation)
        var train = loaded.log
        var heldOut: [ModelFolder.HeldOut: InteractionLog] = [:]
        if let rule {
            let parts = try loaded.log.split(rule, seed: seed)
            train = parts.train
            heldOut[.validation] = parts.validation
            heldOut[.test] = parts.test
            heldOut[.foldIn] = parts.foldIn
        }
        if let catalog {
            let known = train.items.rawIDs.filter { catalog[$0] != nil }.count
            FileHandles.standardError(
                "titles  \(Numerals.grouped(known)) of \(Numerals.grouped(train.items.count)) items have one\n")
        }
        return TrainingData(
            users: train.users, items: train.items, history: train.userMatrix(), heldOut: heldOut, catalog: catalog,
            userCatalog: userCatalog, interactions: loaded.log.count,
            fingerprint: loaded.log.fingerprint(workers: workers),
            valueRange: train.values.flatMap { values in
                values.isEmpty
                    ? nil
                    : values.reduce(into: values[0]...values[0]) { range, value in
                        range = min(range.lowerBound, value)...max(range.upperBound, value)
                    }
            })
    }
}
