public import Basics
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
        var factors, userDim, maxLength, blocks, heads: Int
        var attendsToPadding: Bool
    }

    /// What `model.json` keeps beside the weights.
    public static func facts(_ options: SSEPTOptions) throws -> JSONValue {
        try JSONValue(
            encoding: Shape(
                factors: options.factors, userDim: options.userDim, maxLength: options.maxLength,
                blocks: options.blocks, heads: options.heads, attendsToPadding: options.attendsToPadding))
    }

    /// The options of a model's shape.
    static func options(of folder: ModelFolder) throws -> SSEPTOptions {
        let shape = try JSON.decode(
            Shape.self, from: JSON.bytes(folder.manifest.facts[kind] ?? .null), file: folder.path + "/model.json")
        var options = SSEPTOptions()
        (options.factors, options.userDim, options.maxLength) = (shape.factors, shape.userDim, shape.maxLength)
        (options.blocks, options.heads) = (shape.blocks, shape.heads)
        options.attendsToPadding = shape.attendsToPadding
        try options.validate()
        return options
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
        let network = try network(
            users: folder.manifest.users, items: folder.manifest.items, options, workers)
        try network.restore(folder.weights)
        let vectors = try network.itemVectors()
        return Recommender(
            users: try folder.users, items: try folder.items, catalog: try folder.catalog,
            userCatalog: try folder.userCatalog, history: history,
            encoder: SSEPTEncoder(network, sequences, options, isa: isa), predictsRatings: false,
            itemVectors: vectors, similarityVectors: vectors, workers: workers, isa: isa)
    }
}
