import Basics
public import Interactions
public import Kernels
public import Training

/// Takes new interactions into a model of ``AlternatingLeastSquares`` without training it again.
///
/// Users with new interactions, and items that had none before, get new vectors; all others stay as they are, bit for bit.
/// In three steps, each the exact minimum over one vector:
/// 1. users with new interactions, from their whole history (old and new) of items that have a vector;
/// 2. items that had no interactions, from everybody who has them now;
/// 3. the users of step 1 once more, with those items too.
///
/// A pair that was there before has, for implicit feedback, the sum of the values; for ratings, the new one. Items that had
/// interactions keep their vectors: train again when many have changed.
public struct ALSUpdate {
    /// The model with the new interactions, to be written by ``ModelFolder/write(_:to:)``.
    public let parts: ModelParts
    public let usersAdded: Int, itemsAdded: Int, usersRecomputed: Int, itemsRecomputed: Int

    /// - Parameter log: the new interactions, under vocabularies of their own.
    /// - Throws: `usage` if the model is of another kind; `badData` for what training refuses; `failed` for a damaged folder.
    /// - Complexity: O((users + items) × factors² + interactions of what is recomputed × factors²).
    public init(
        of folder: ModelFolder, with log: InteractionLog, workers: Workers, isa: InstructionSet = .best
    ) throws {
        guard folder.manifest.kind == "als", let facts = folder.manifest.facts["als"] else {
            throw StarlingError(
                .usage, "a model of the kind “\(folder.manifest.kind)” cannot be updated", at: .init(file: folder.path),
                remedy: "train it again, or train with `train als`")
        }
        var options = try JSON.decode(
            ALSOptions.self, from: JSON.bytes(facts), file: folder.path + "/model.json")
        options.solver = .cholesky
        try AlternatingLeastSquares.check(log.values, options)
        let model = try FactorModel(folder.weights)
        guard let before = try folder.history(), before.rowCount == model.userFactors.rows else {
            throw StarlingError(
                .failed, "history and weights do not belong together", at: .init(file: folder.path),
                remedy: "train the run again with --overwrite")
        }
        let new = log.extending(try folder.users, try folder.items)
        let added = new.userMatrix(workers: workers)
        let isExplicit = options.feedback == .explicit
        let history = before.merging(added) { isExplicit ? $1 : $0 + $1 }

        let parameters = FactorParameters(
            users: new.users.count, items: new.items.count, factors: options.factors, hasBiases: model.biases != nil,
            mean: model.biases?.mean ?? 0)
        for row in 0..<model.userFactors.rows { _ = parameters.users.row(row).update(from: model.userFactors.row(row)) }
        for row in 0..<model.itemFactors.rows { _ = parameters.items.row(row).update(from: model.itemFactors.row(row)) }
        if let biases = model.biases {
            parameters.userBiases!.base.update(from: biases.users, count: biases.users.count)
            parameters.itemBiases!.base.update(from: biases.items, count: biases.items.count)
        }
        var hasVector = [Bool](repeating: false, count: new.items.count)
        for item in before.columns { hasVector[Int(item)] = true }
        let touched = { (user: Int) in added.offsets[user] < added.offsets[user + 1] }

        func solve(_ rows: ALSSide, side: Int) throws {
            let scratch = ALSScratch.forEach(of: workers, [rows], options)
            let solver = try parameters.solver(
                ofSide: side, options: options, rotates: false, workers: workers, isa: isa.ofFloats)
            let (table, biases) = (parameters.rows(side), parameters.biases(side))
            workers.forEach(rows.chunks) { chunk, worker in
                solver.solve(rows, chunk: chunk, into: table, biases: biases.map { ($0, 1) }, scratch[worker])
            }
        }
        let users = ALSSide(history.keeping(touched))
        try solve(ALSSide(history.keeping(touched) { hasVector[Int($0)] }), side: 0)
        let items = ALSSide(history.transposed(workers: workers).keeping { !hasVector[$0] })
        try solve(items, side: 1)
        if !items.order.isEmpty { try solve(users, side: 0) }

        (usersAdded, itemsAdded) = (new.users.count - before.rowCount, new.items.count - before.columnCount)
        (usersRecomputed, itemsRecomputed) = (users.order.count, items.order.count)
        var manifest = folder.manifest
        (manifest.users, manifest.items, manifest.interactions) = (new.users.count, new.items.count, history.entryCount)
        manifest.facts["updates"] = .integer((manifest.facts["updates"]?.int ?? 0) + 1)
        var parts = ModelParts(manifest: manifest, weights: parameters.tensors, users: new.users, items: new.items)
        parts.catalog = try folder.catalog
        parts.userCatalog = try folder.userCatalog
        parts.history = history
        for which in ModelFolder.HeldOut.allCases {
            parts.heldOut[which] = try folder.heldOut(which).map {
                InteractionLog(
                    users: new.users, items: new.items, userRows: $0.userRows, itemRows: $0.itemRows, values: $0.values,
                    times: $0.times)
            }
        }
        self.parts = parts
    }
}
