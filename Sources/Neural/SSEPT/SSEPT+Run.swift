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

    /// What of the options using a model needs.
    private struct Shape: Codable {
        var architecture: SSEPTOptions.Architecture
        var factors, userDim, maxLength, blocks, heads, feedForward: Int
        var attendsToPadding: Bool
    }

    /// What `model.json` keeps beside the weights.
    public static func facts(_ options: SSEPTOptions) throws -> JSONValue {
        try JSONValue(
            encoding: Shape(
                architecture: options.architecture, factors: options.factors, userDim: options.userDim,
                maxLength: options.maxLength,
                blocks: options.blocks, heads: options.heads, feedForward: options.feedForward,
                attendsToPadding: options.attendsToPadding))
    }

    /// The options of a model's shape.
    static func options(of folder: ModelFolder) throws -> SSEPTOptions {
        let shape = try JSON.decode(
            Shape.self, from: JSON.bytes(folder.manifest.facts[kind] ?? .null), file: folder.path + "/model.json")
        var options = SSEPTOptions()
        (options.factors, options.userDim, options.maxLength) = (shape.factors, shape.userDim, shape.maxLength)
        (options.blocks, options.heads) = (shape.blocks, shape.heads)
        (options.architecture, options.feedForward) = (shape.architecture, shape.feedForward)
        options.attendsToPadding = shape.attendsToPadding
        if options.architecture == .encoder { options.loss = .softmax }
        try options.validate()
        return options
    }

    private static func network(
        of folder: ModelFolder, _ options: SSEPTOptions, _ workers: Workers, _ isa: InstructionSet
    ) throws -> any SequenceModel {
        let network = try network(
            users: folder.manifest.users, items: folder.manifest.items, options, workers, isa)
        try network.restore(folder.weights)
        return network
    }

    /// Vectors of all users, of what they had in training, and of all items: a score is their product, as it is of a
    /// factorisation.
    ///
    /// - Throws: as ``recommender(_:workers:isa:)`` does.
    public static func vectors(
        _ folder: ModelFolder, workers: Workers, isa: InstructionSet = .best
    ) throws -> FactorModel {
        let recommender = try recommender(folder, workers: workers, isa: isa)
        let items = try network(of: folder, options(of: folder), workers, isa).itemVectors()
        let (encoder, count) = (recommender.encoder, recommender.users.count)
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
        guard folder.manifest.kind == kind, let history = try folder.history(), let sequences = try folder.sequences()
        else {
            throw StarlingError(
                .failed, "there is no transformer with its users' sequences", at: .init(file: folder.path),
                remedy: "train the run again with --overwrite")
        }
        let options = try options(of: folder)
        let network = try network(of: folder, options, workers, isa)
        let vectors = try network.itemVectors()
        return Recommender(
            users: try folder.users, items: try folder.items, catalog: try folder.catalog,
            userCatalog: try folder.userCatalog, history: history,
            encoder: SSEPTEncoder(network, sequences, options, isa: isa), predictsRatings: false,
            itemVectors: vectors, similarityVectors: vectors, workers: workers, isa: isa)
    }
}
