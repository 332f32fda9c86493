import ArgumentParser
import Starling
import Torch

/// Where a run is written, how it is checkpointed, when it ends. Common to all `train` commands.
struct RunFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Write the run to this directory.", valueName: "run"))
    var output: String?

    @Flag(help: "Go on with the run that is there, with its own options; start where there is none.")
    var resume = false

    @Flag(help: "Replace a run that is there.")
    var overwrite = false

    @Option(help: ArgumentHelp("Write a checkpoint after every so many epochs. Default: 1.", valueName: "epochs"))
    var checkpointEvery: Int?

    @Option(help: ArgumentHelp("Keep this many of the newest checkpoints.", valueName: "n"))
    var keep: Int = 2

    @Option(
        help: ArgumentHelp("Also keep the checkpoint of the epoch that is best by this metric.", valueName: "metric"))
    var keepBest: String?

    @Option(
        help: ArgumentHelp(
            "Stop when val_rmse (two-tower: val_ndcg@20, sse-pt: val_ndcg@10) has not improved for this many epochs; end with the best weights.",
            valueName: "epochs"))
    var earlyStopping: Int?

    @Option(help: ArgumentHelp("Improvements smaller than this do not count for early stopping.", valueName: "d"))
    var minImprovement: Double = 0

    @Option(help: ArgumentHelp("Choose the random numbers of splits, starting factors and orders.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("Train on cpu, cuda, or auto: a GPU if there is one.", valueName: "device"))
    var device: String = "cpu"

    @Option(
        help: ArgumentHelp(
            "Read options from a JSON file, such as a run.json; options given here win.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Write each epoch's metrics for TensorBoard into this folder.", valueName: "folder"))
    var tensorboard: String?

    @OptionGroup(title: "Tracking") var tracker: TrackingFlags

    @Flag(help: "Print one JSON object in place of tables.")
    var json = false

    func workers() throws -> Workers { try makeWorkers(threads) }

    func outputPath() throws -> String {
        guard let output = try output ?? VertexJob.current.get().output, !output.isEmpty else {
            throw StarlingError(
                .usage, "--output is missing", remedy: "name a directory for the run: --output runs/first")
        }
        var path = output
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        return path
    }

    func ifPresent() throws -> RunDirectory.IfPresent {
        guard !(resume && overwrite) else {
            throw StarlingError(.usage, "--resume and --overwrite exclude each other", remedy: "give one of them")
        }
        // A job that a platform starts again has no way to say so.
        let isRestartable = try output == nil && VertexJob.current.get().output != nil
        return resume || isRestartable && !overwrite ? .resume : overwrite ? .overwrite : .refuse
    }

    /// The loop that the flags ask for.
    func loop(epochs: Int, hasValidation: Bool, watching metric: String) throws -> TrainingLoop {
        let checkpointEvery = checkpointEvery ?? 1
        guard checkpointEvery >= 1, keep >= 1 else {
            throw StarlingError(.usage, "--checkpoint-every and --keep are at least 1")
        }
        var loop = TrainingLoop(epochs: epochs)
        loop.checkpointEvery = checkpointEvery
        loop.keep = keep
        if let keepBest { loop.keepBest = WatchedMetric(keepBest) }
        if let earlyStopping {
            guard earlyStopping >= 1 else { throw StarlingError(.usage, "--early-stopping is at least 1") }
            guard hasValidation else {
                throw StarlingError(
                    .usage, "--early-stopping needs a validation part", remedy: "hold one out with --val-size 0.1")
            }
            loop.earlyStopping = EarlyStopping(
                metric: WatchedMetric(metric), patience: earlyStopping, minimumImprovement: minImprovement)
        }
        return loop
    }

    /// The device to train on; without a number, of several ranks of a machine each has the next GPU.
    ///
    /// - Parameter takesGPU: whether the model has code for one.
    /// - Throws: `unavailable` for one that is asked for and not there.
    func device(takesGPU: Bool) throws -> Device {
        let name = device.lowercased()
        guard name == "auto" || Device(name) != nil else {
            throw StarlingError(
                .usage, "“\(device)” is not a device", remedy: "use cpu, cuda or auto (cuda:1 is the second GPU)")
        }
        // Of torchrun and launch, and of SLURM.
        let local =
            ["LOCAL_RANK", "SLURM_LOCALID"].lazy.compactMap { Host.variable($0).flatMap { Int($0) } }.first ?? 0
        if let asked = Device(name), asked == .cpu || takesGPU {
            let device = name == "cuda" ? try Device.cuda(ofLocalRank: max(0, local)) : asked
            try device.require()
            return device
        }
        guard name == "auto" else {
            throw StarlingError(
                .unavailable, "device \(name) cannot be used: this model trains on the CPU",
                remedy: "use --device cpu, or --device auto to take what there is")
        }
        if takesGPU, let device = try? Device.cuda(ofLocalRank: max(0, local)) { return device }
        FileHandles.standardError(
            takesGPU ? "notice: no GPU is there: training on the CPU\n" : "notice: this model trains on the CPU\n")
        return .cpu
    }

    /// Where a training is told of besides the console.
    func tracking() throws -> TrackingOptions {
        TrackingOptions(tensorBoard: try tensorboard ?? VertexJob.current.get().tensorBoard)
    }

    /// These options as `run.json` keeps them.
    var configuration: [String: JSONValue] {
        [
            "checkpoint-every": .integer(checkpointEvery ?? 1), "keep": .integer(keep),
            "keep-best": keepBest.map { .string($0) } ?? .null,
            "early-stopping": earlyStopping.map { .integer($0) } ?? .null,
            "min-improvement": .number(minImprovement), "seed": .integer(Int(seed)),
        ]
    }
}
