import Basics
import Interactions
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
        guard folder.manifest.kind == "mf" else {
            throw StarlingError(
                .failed, "“\(folder.manifest.kind)” is a kind of model that this version does not know",
                at: .init(file: folder.path + "/model.json"), remedy: "use the version that trained it, or a newer one")
        }
        let model = try FactorModel(folder.weights)
        guard let history = try folder.history(), model.userFactors.rows == history.rowCount,
            model.itemFactors.rows == history.columnCount
        else {
            throw StarlingError(
                .failed, "history, vocabularies and weights do not belong together", at: .init(file: folder.path),
                remedy: "train the run again with --overwrite")
        }
        self.init(
            users: try folder.users, items: try folder.items, catalog: try folder.catalog, history: history,
            encoder: model, itemVectors: model.foldedItems(), similarityVectors: model.itemFactors, workers: workers,
            isa: isa)
    }
}
