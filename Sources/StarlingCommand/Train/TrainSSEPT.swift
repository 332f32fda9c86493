import ArgumentParser
import Neural
import Starling
import Torch

struct TrainSSEPTCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sse-pt",
        abstract:
            "Trains a personalised transformer on histories in the order of time: what comes next? --user-dim 0 is SASRec.",
        discussion: """
            A user's last item is held out for testing and the one before for validation, unless --split says otherwise. \
            Training, and using the run, need LibTorch (make torch). Examples:

              starling train sse-pt --data ratings.csv --output runs/transformer
              starling train sse-pt --data ml-1m.txt --user-dim 0 --max-length 200 --output runs/sasrec
              starling train sse-pt --data logs/ --loss gbce --precision bf16 --device auto --output runs/gbce
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags
    @OptionGroup(title: "Data") var catalogs: CatalogFlags
    @OptionGroup(title: "Held-out part") var splitting: SplitFlags
    @OptionGroup(title: "Model") var model: SSEPTFlags
    @OptionGroup(title: "Run") var run_: RunFlags

    func run() throws {
        let start = try model.retrain.map { try Retraining($0) }
        var options = try model.options(startingFrom: start?.shape, seed: run_.seed)
        try options.validate()
        _ = try TorchLibrary.opened()
        options.device = try run_.device(takesGPU: true)
        let plan = model.plan(options, startingFrom: start) {
            FileHandles.standardError(Self.table(of: $0, model.retrain!))
        }
        var job = TrainingJob(
            model: SSEPT.kind, run: run_, reading: reading, catalogs: catalogs,
            rule: try splitting.rule(usual: SSEPTFlags.usualSplit), epochs: plan.epochs, factors: options.factors,
            configuration: plan.configuration)
        job.isOrdered = SSEPTFlags.isOrdered
        job.unit = "histories"
        job.device = "\(options.device)"
        job.watched = "val_ndcg@10"
        job.facts[SSEPT.kind] = try SSEPT.facts(options)
        try job.execute(
            estimate: plan.estimate,
            trainer: { data, workers, isa, _ in try plan.trainer(data, data.heldOut[.validation], workers, isa) })
    }

    /// What became of the tensors of a checkpoint.
    private static func table(of fates: [Retraining.Fate], _ path: String) -> String {
        let rows = fates.map { fate in
            [fate.name, fate.shape.map(String.init).joined(separator: " × "), fate.outcome.rawValue, fate.detail]
        }
        return Table(title: "Weights of \(path)", header: ["tensor", "shape", "", ""], rows: rows)
            .render(width: Terminal.width()) + "\n"
    }
}
