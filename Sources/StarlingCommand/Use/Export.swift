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
            vectors, whose dot product is then the score. JSON Lines has an object a vector. word2vec's text (.vec, .w2v) and \
            .fvecs, which faiss reads, hold the vectors of one kind. A transformer's user_factors are of what users had in \
            training. .pth holds the weights as they are, by the model's names, for torch.load(…, weights_only=True). \
            sqlite:FILE, postgres://… and supabase: are databases, whose tables then hold this run's vectors. mlflow:FOLDER is a \
            folder that MLflow loads and serves as a model. Examples:

              starling export runs/first --to vectors.npz
              starling export runs/first --to vectors.fvecs --vectors items --folded
              starling export runs/transformer --to weights.pth
              starling export runs/first --to postgres://me@db.example.org/app
              starling export runs/first --to mlflow:models/first
            """)

    @Argument(help: ArgumentHelp("The run directory that train has written.", valueName: "run"))
    var path: String

    @Option(
        help: ArgumentHelp(
            "Write this file (.npz, .safetensors, .csv, .jsonl, .vec, .fvecs or .pth), this mlflow: folder, or to this database.",
            valueName: "file"))
    var to: String

    @Option(
        help: ArgumentHelp(
            "Write the vectors of users, items or both. Default: both; of two-tower and sse-pt, and in .vec and .fvecs, items.",
            valueName: "kind"))
    var vectors: VectorChoice?

    @Flag(help: "Write vectors whose dot product is the score.")
    var folded = false

    @OptionGroup(title: "Tables") var naming: ExportTableFlags
    @OptionGroup(title: "Supabase") var supabase: SupabaseFlags

    func run() throws {
        if let store = try Program.current.openStore(to, supabase.key) {
            let folder = try ModelFolder(RunDirectory(reading: path).modelPath)
            return try Self.export(folder, vectors, folded: folded)
                .write(to: store, naming.tables, weights: folder.manifest.weightsSHA256)
        }
        if to.hasPrefix("mlflow:") { return try writeMLflowModel(to: String(to.dropFirst("mlflow:".count))) }
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
        let isOfOneKind = ["vec", "w2v", "fvecs"].contains { to.lowercased().hasSuffix("." + $0) }
        let export = try Self.export(folder, vectors ?? (isOfOneKind ? .items : nil), folded: folded)
        switch to.lowercased() {
        case let name where name.hasSuffix(".npz"): try export.writeNPZ(to: to)
        case let name where name.hasSuffix(".safetensors"): try export.writeSafeTensors(to: to)
        case let name where name.hasSuffix(".csv"): try export.writeCSV(to: to)
        case let name where name.hasSuffix(".jsonl"): try export.writeJSONLines(to: to)
        case let name where name.hasSuffix(".vec") || name.hasSuffix(".w2v"): try export.writeWord2Vec(to: to)
        case let name where name.hasSuffix(".fvecs"): try export.writeFVecs(to: to)
        default:
            throw StarlingError(
                .usage, "the ending of \(Files.name(to)) names no format",
                remedy: "use .npz, .safetensors, .csv, .jsonl, .vec, .fvecs or .pth")
        }
        FileHandles.standardError("wrote \(to)\n")
    }

    private func writeMLflowModel(to target: String) throws {
        guard Files.kind(target) == nil || Files.exists(target + "/MLmodel") else {
            throw StarlingError(
                .usage, "holds something else than a model of MLflow's", at: .init(file: target),
                remedy: "name another folder")
        }
        guard vectors == nil, !folded else {
            throw StarlingError(
                .usage, "a model for MLflow has the vectors of both, folded", remedy: "leave out --vectors and --folded"
            )
        }
        let folder = try ModelFolder(RunDirectory(reading: path).modelPath)
        try Files.makeDirectory(Files.parent(target))
        try MLflowModel.write(folder, makeWorkers(nil), to: target)
        FileHandles.standardError(
            "wrote \(target); try mlflow models serve --model-uri \(target) --env-manager local\n")
    }

    /// The vectors of a model, those that were asked for or are usual.
    static func export(_ folder: ModelFolder, _ choice: VectorChoice?, folded: Bool) throws -> VectorExport {
        let kind = folder.manifest.kind
        let choice = choice ?? ([SSEPT.kind, "two-tower"].contains(kind) ? .items : .both)
        let model =
            kind == SSEPT.kind
            ? try SSEPT.vectors(folder, users: choice.hasUsers, workers: makeWorkers(nil), isa: .current())
            : try FactorModel(folder.weights)
        return VectorExport(
            model: model, users: try folder.users, items: try folder.items, folded: folded, choice: choice)
    }
}
