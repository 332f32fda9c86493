import Basics
public import Formats
public import Interactions
public import Kernels
import Ranking
public import Training

extension Recommender {
    /// The model of a finished run, whatever its kind.
    ///
    /// - Parameter path: the run directory.
    /// - Throws: `usage` if there is no run, `failed` if its model is missing, damaged or of an unknown kind.
    public convenience init(run path: String, workers: Workers, isa: InstructionSet = .best) throws {
        let run = try RunDirectory(reading: path)
        try self.init(ModelFolder(run.modelPath), workers: workers, isa: isa)
    }

    /// The model in a folder.
    public convenience init(_ folder: ModelFolder, workers: Workers, isa: InstructionSet = .best) throws {
        let file = folder.path + "/model.json"
        guard ["mf", "als", "bpmf", "two-tower"].contains(folder.manifest.kind) else {
            throw StarlingError(
                .failed, "“\(folder.manifest.kind)” is a kind of model that this version does not know",
                at: .init(file: file), remedy: "use the version that trained it, or a newer one")
        }
        let model = try FactorModel(folder.weights)
        guard let history = try folder.trainedHistory(), model.userFactors.rows == history.activity.count,
            model.itemFactors.rows == history.audience.count
        else {
            throw StarlingError(
                .failed, "history, vocabularies and weights do not belong together", at: .init(file: folder.path),
                remedy: "train the run again with --overwrite")
        }
        var foldIn: (any HistoryEncoder)? = BayesianFoldIn(model, workers: workers, isa: isa)
        var predictsRatings = true
        if folder.manifest.kind == "als" {
            let options = try JSON.decode(
                ALSOptions.self, from: JSON.bytes(folder.manifest.facts["als"] ?? .null), file: file)
            foldIn = FoldIn(model, options: options, workers: workers, isa: isa)
            predictsRatings = options.feedback == .explicit
        }
        var isRecommendable: ((ItemRow) -> Bool)?
        let catalog = try folder.catalog
        if folder.manifest.kind == "two-tower" {
            (foldIn, predictsRatings) = (nil, false)
            if let catalog, folder.manifest.facts["cold_items"] == .bool(true) {
                // Vectors of items without interactions come of their features.
                let items = try folder.items
                isRecommendable = { catalog[items[$0]].map { !$0.genres.isEmpty } ?? false }
            }
        }
        try self.init(
            model, users: folder.users, items: folder.items, catalog: catalog,
            userCatalog: folder.userCatalog, history: history, historyEncoder: foldIn,
            predictsRatings: predictsRatings, isRecommendable: isRecommendable, workers: workers, isa: isa)
    }

    /// A factor model that was trained without a run.
    ///
    /// - Parameters:
    ///   - weights: the trainer's.
    ///   - log: what it was trained on: the items that are left out, by user.
    /// - Throws: `failed` if the weights are not a factor model's.
    public convenience init(
        _ weights: [TensorSource], trainedOn log: InteractionLog, catalog: ItemCatalog? = nil, workers: Workers,
        isa: InstructionSet = .best
    ) throws {
        self.init(
            try FactorModel(weights), users: log.users, items: log.items, catalog: catalog, userCatalog: nil,
            history: TrainedHistory(log.userMatrix(workers: workers)), workers: workers, isa: isa)
    }

    private convenience init(
        _ model: FactorModel, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>, catalog: ItemCatalog?,
        userCatalog: UserCatalog?, history: TrainedHistory,
        historyEncoder: (any HistoryEncoder)? = nil,
        predictsRatings: Bool = true, isRecommendable: ((ItemRow) -> Bool)? = nil, workers: Workers,
        isa: InstructionSet
    ) {
        self.init(
            users: users, items: items, catalog: catalog, userCatalog: userCatalog, history: history, encoder: model,
            historyEncoder: historyEncoder, predictsRatings: predictsRatings, itemVectors: model.foldedItems(),
            similarityVectors: model.itemFactors, isRecommendable: isRecommendable, workers: workers, isa: isa)
    }
}
