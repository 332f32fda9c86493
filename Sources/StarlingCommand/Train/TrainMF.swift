import ArgumentParser
import Neural
import Starling
import Torch

struct TrainMFCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mf",
        abstract: "Trains matrix factorisation on ratings: r̂ = μ + b_u + b_i + p_u·q_i.",
        discussion: """
            The weights are the same bits at any number of threads. Examples:

              starling train mf --data ratings.csv --output runs/first
              starling train mf --data u.data --items u.item --output runs/tuned --factors 128 --early-stopping 3
              starling train mf --ratings_csv data/ratings.csv --output runs/vertex

            The last form takes the flags of the Vertex AI trainer in its own spelling, which selects --preset vertex: \
            Adam, 1 epoch, batches of 2048, learning rate 0.001, weight decay 1e-6, 64 factors; the run is runs/vertex unless \
            --output names another, and vectors go to a Supabase project, or to embeddings.sqlite in the run.
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags
    @OptionGroup(title: "Data") var catalogs: CatalogFlags
    @OptionGroup(title: "Held-out part") var splitting: SplitFlags
    @OptionGroup(title: "Model") var model: MFFlags
    @OptionGroup(title: "Run") var run_: RunFlags
    @OptionGroup(title: "Run") var memory: MemoryFlags
    @OptionGroup(title: "Flags of the Vertex AI trainer") var vertex: VertexFlags

    func run() throws {
        var run = run_
        if vertex.useCuda { run.device = "auto" }
        // That trainer writes no run, so that its command line names none.
        if model.isVertex, run.output == nil, try VertexJob.current.get().output == nil { run.output = "runs/vertex" }
        // Steps at every rating, one after the other, are for the CPU.
        let device = try run.device(takesGPU: model.asked().map { $0 == .adam } ?? true)
        let options = try model.options(seed: run.seed, usual: device == .cpu ? .sgd : .adam)
        var reading = reading
        reading.data = try vertex.source(reading, isPreset: model.isVertex)
        let target = try vertex.target(reading.supabase, isPreset: model.isVertex, run: run.outputPath())
        try target?.check(vertex.tables.empty(.both, width: options.factors))
        var job = TrainingJob(
            model: "mf", run: run, reading: reading, catalogs: catalogs,
            rule: try splitting.rule(), epochs: options.epochs,
            factors: options.factors,
            configuration: model.configuration(options).merging(vertex.configuration) { $1 })
        if let target {
            job.afterwards = { folder in
                try ExportCommand.export(folder, .both, folded: false)
                    .write(to: target, vertex.tables, weights: folder.manifest.weightsSHA256)
            }
        }
        job.device = "\(device)"
        job.memory = memory
        if device == .cpu, options.optimizer != .adam {
            job.dealing = { passes, validation, place, workers in
                MatrixFactorization.memoryEstimate(
                    passes: passes, validation: validation, options: options, place: place, workers: workers)
            }
        }
        try job.execute(
            estimate: { sizes in
                MatrixFactorization.memoryEstimate(
                    users: sizes.users, items: sizes.items, ratings: sizes.interactions, validation: sizes.validation,
                    options: options)
            },
            trainer: { data, workers, isa, cancellation in
                guard data.ranks.size == 1 || device == .cpu else {
                    throw StarlingError(
                        .usage, "mf trains on one GPU, and there are \(data.ranks.size) ranks",
                        remedy: "use --device cpu, or one rank")
                }
                if data.ranks.size > 1, options.optimizer == .adam, data.ranks.rank == 0 {
                    FileHandles.standardError(
                        "notice: steps of Adam cannot be shared: every rank takes all of them; sgd and adagrad can\n")
                }
                if device != .cpu {
                    return try DeviceFactorization.trainer(
                        on: data.history, validation: data.heldOut[.validation], options: options, device: device,
                        workers: workers)
                }
                if let passes = data.passes, let grid = data.grid {
                    return try ProgressBar.during(unit: "ratings") { report in
                        try MatrixFactorization.trainer(
                            passes: passes, validation: data.heldOut[.validation], options: options, scratch: grid,
                            workers: workers, isa: isa, cancellation: cancellation
                        ) { report($0.rawValue, $1, $2) }
                    }
                }
                return try MatrixFactorization.trainer(
                    on: data.history, validation: data.heldOut[.validation], options: options, ranks: data.ranks,
                    workers: workers, isa: isa)
            })
    }
}
