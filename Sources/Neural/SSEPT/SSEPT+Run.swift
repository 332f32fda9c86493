public import Basics
public import Factorization
import Formats
import Interactions
public import Kernels
import Ranking
import Torch
public import Training

extension SSEPT {
    /// The name of the model in the command and in `model.json`.
    public static let kind = "sse-pt"

    /// What `model.json` keeps beside the weights.
    public static func facts(_ options: SSEPTOptions) throws -> JSONValue { try JSONValue(encoding: options.shape) }

    static func shape(of folder: ModelFolder) throws -> SSEPTOptions.Shape {
        try JSON.decode(
            SSEPTOptions.Shape.self, from: JSON.bytes(folder.manifest.facts[kind] ?? .null),
            file: folder.path + "/model.json")
    }

    /// The network in a folder, and what makes vectors of its users.
    private static func restored(
        _ folder: ModelFolder, _ workers: Workers, _ isa: InstructionSet
    ) throws -> (network: any SequenceModel, encoder: SSEPTEncoder) {
        guard folder.manifest.kind == kind, let sequences = try folder.sequences() else {
            throw StarlingError(
                .failed, "there is no transformer with its users' sequences", at: .init(file: folder.path),
                remedy: "train the run again with --overwrite")
        }
        var options = SSEPTOptions()
        options.shape = try shape(of: folder)
        if options.architecture == .encoder { options.loss = .softmax }
        try options.validate()
        let network = try network(
            users: folder.manifest.users, items: folder.manifest.items, options, OneRank(), workers, isa)
        try network.restore(folder.weights)
        return (network, SSEPTEncoder(network, sequences, options, isa: isa))
    }

    /// Vectors of all users, of what they had in training, and of all items: a score is their product, as it is of a
    /// factorisation.
    ///
    /// - Parameter users: whether users' vectors are wanted; otherwise there is none.
    /// - Throws: as ``recommender(_:workers:isa:)`` does.
    public static func vectors(
        _ folder: ModelFolder, users wanted: Bool = true, workers: Workers, isa: InstructionSet = .best
    ) throws -> FactorModel {
        let (network, encoder) = try restored(folder, workers, isa)
        let count = wanted ? folder.manifest.users : 0
        let items = try network.itemVectors()
        let users = FactorTable(rows: max(1, count), width: encoder.dimensions)
        try encoder.encode((0..<count).map { UserRow($0) }, into: users)
        let flat = (0..<count).flatMap { Array(users.row($0)) }
        return try FactorModel([
            TensorSource(name: "user_factors", flat, shape: [count, encoder.dimensions]),
            TensorSource(
                name: "item_factors", (0..<items.rows).flatMap { Array(items.row($0)) },
                shape: [items.rows, encoder.dimensions]),
        ])
    }

    /// The model in a folder, ready for use; its vectors of users are made when they are asked for, of what they had in
    /// training.
    ///
    /// - Throws: `unavailable` without LibTorch; `failed` if the folder is damaged or of another kind.
    public static func recommender(
        _ folder: ModelFolder, workers: Workers, isa: InstructionSet = .best
    ) throws -> Recommender {
        let (network, encoder) = try restored(folder, workers, isa)
        guard let history = try folder.trainedHistory() else {
            throw StarlingError(
                .failed, "there is no history of its users", at: .init(file: folder.path),
                remedy: "train the run again with --overwrite")
        }
        let vectors = try network.itemVectors()
        return Recommender(
            users: try folder.users, items: try folder.items, catalog: try folder.catalog,
            userCatalog: try folder.userCatalog, history: history,
            encoder: encoder, predictsRatings: false,
            itemVectors: vectors, similarityVectors: vectors, workers: workers, isa: isa)
    }
}
