import ArgumentParser
import Starling

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a run's vectors and ids for other programs.",
        discussion: """
            The ending chooses the form. NPZ and safetensors hold user_factors [users × k], item_factors [items × k], \
            users and items (the raw ids of their rows) and, where the model has them, user_biases, item_biases, \
            global_mean. CSV has a row a vector: kind, id, bias, f1 … fk. With --folded, biases are folded into the \
            vectors, whose dot product is then the score. Example:

              starling export runs/first --to vectors.npz
            """)

    @Argument(help: ArgumentHelp("The run directory that train has written.", valueName: "run"))
    var path: String

    @Option(help: ArgumentHelp("Write this file: .npz, .safetensors or .csv.", valueName: "file"))
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
        let export = VectorExport(
            model: try FactorModel(folder.weights), users: try folder.users, items: try folder.items, folded: folded)
        switch to.lowercased() {
        case let name where name.hasSuffix(".npz"): try export.writeNPZ(to: to)
        case let name where name.hasSuffix(".safetensors"): try export.writeSafeTensors(to: to)
        case let name where name.hasSuffix(".csv"): try export.writeCSV(to: to)
        default:
            throw StarlingError(
                .usage, "the ending of \(Files.name(to)) names no format", remedy: "use .npz, .safetensors or .csv")
        }
        FileHandles.standardError("wrote \(to)\n")
    }
}
