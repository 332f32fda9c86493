import ArgumentParser
import Formats
import Neural
import Starling

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a run's vectors and ids for other programs.",
        discussion: """
            The ending chooses the form. NPZ and safetensors hold user_factors [users × k], item_factors [items × k], \
            users and items (the raw ids of their rows) and, where the model has them, user_biases, item_biases, \
            global_mean. CSV has a row a vector: kind, id, bias, f1 … fk. With --folded, biases are folded into the \
            vectors, whose dot product is then the score. A transformer's user_factors are of what users had in training. \
            .pth holds the weights as they are, by the model's names, for torch.load(…, weights_only=True). Examples:

              starling export runs/first --to vectors.npz
              starling export runs/transformer --to weights.pth
            """)

    @Argument(help: ArgumentHelp("The run directory that train has written.", valueName: "run"))
    var path: String

    @Option(help: ArgumentHelp("Write this file: .npz, .safetensors, .csv or .pth.", valueName: "file"))
    var to: String

    @Flag(help: "Write vectors whose dot product is the score.")
    var folded = false

    func run() throws {
        guard !Files.isWithin(to, path) else {
            throw StarlingError(
                .usage, "the file lies in the run itself, whose files must stay as they are", at: .init(file: to),
                remedy: "name another folder")
        }
        let folder = try ModelFolder(RunDirectory(reading: path).modelPath)
        if to.lowercased().hasSuffix(".pth") {
            guard !folded else {
                throw StarlingError(.usage, "--folded is about vectors", remedy: "leave it out, or export to .npz")
            }
            try PTH.write(folder.weights.sources(), to: to)
            return FileHandles.standardError("wrote \(to)\n")
        }
        let export = VectorExport(
            model: try model(folder), users: try folder.users, items: try folder.items, folded: folded)
        switch to.lowercased() {
        case let name where name.hasSuffix(".npz"): try export.writeNPZ(to: to)
        case let name where name.hasSuffix(".safetensors"): try export.writeSafeTensors(to: to)
        case let name where name.hasSuffix(".csv"): try export.writeCSV(to: to)
        default:
            throw StarlingError(
                .usage, "the ending of \(Files.name(to)) names no format",
                remedy: "use .npz, .safetensors, .csv or .pth")
        }
        FileHandles.standardError("wrote \(to)\n")
    }

    private func model(_ folder: ModelFolder) throws -> FactorModel {
        guard folder.manifest.kind == SSEPT.kind else { return try FactorModel(folder.weights) }
        return try SSEPT.vectors(folder, workers: makeWorkers(nil), isa: .current())
    }
}
