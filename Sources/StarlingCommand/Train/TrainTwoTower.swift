import ArgumentParser
import Neural
import Starling
import Torch

struct TrainTwoTowerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "two-tower",
        abstract:
            "Trains two towers: embeddings of ids and features, through layers, to vectors whose product is the score.",
        discussion: """
            Users' attributes come from --users, items' genres from --items; an item that nobody has interacted with is \
            recommended by its genres. Training needs LibTorch (make torch); using the run does not. Examples:

              starling train two-tower --data ratings.csv --items movies.csv --output runs/towers
              starling train two-tower --data u.data --items u.item --users u.user --epochs 20 --output runs/features
              starling train two-tower --data clicks/ --loss bce --negatives 4 --output runs/bce
              starling train two-tower --data shards/ --stream --output runs/streamed
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags
    @OptionGroup(title: "Data") var catalogs: CatalogFlags

    @Flag(
        help:
            "Read batches from shards (MDS, NPZ) as training goes on; in memory are users' histories alone. Held out is what lies in validation/ and test/ beside train/."
    )
    var stream = false

    @OptionGroup(title: "Held-out part") var splitting: SplitFlags
    @OptionGroup(title: "Model") var model: TwoTowerFlags
    @OptionGroup(title: "Run") var run_: RunFlags

    func run() throws {
        var options = try model.options(seed: run_.seed)
        _ = try TorchLibrary.opened()
        options.device = try run_.device(takesGPU: true)
        let plan = model.plan(options, streams: stream)
        var job = TrainingJob(
            model: "two-tower", run: run_, reading: reading, catalogs: catalogs,
            rule: stream ? try splitting.rule(ofStream: reading) : try splitting.rule(),
            epochs: plan.epochs, factors: options.width,
            configuration: plan.configuration.merging(["stream": .bool(stream)]) { $1 })
        job.streams = stream
        job.device = "\(options.device)"
        job.watched = "val_ndcg@20"
        job.facts["cold_items"] = .bool(catalogs.items != nil)
        try job.execute(
            estimate: plan.estimate,
            trainer: { data, workers, isa, _ in try plan.trainer(data, data.heldOut[.validation], workers, isa) })
    }
}
