import ArgumentParser
import Starling

struct TrainBPMFCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bpmf",
        abstract: "Samples Bayesian matrix factorisation of ratings: the most accurate predictions, no rates to tune.",
        discussion: """
            Gibbs sampling (Salakhutdinov & Mnih 2008): an epoch is a sweep over all users and all items. Predictions are \
            averaged over the sweeps after burn-in, which val_rmse measures; the model has some of these sweeps, its \
            vectors one behind the other. The weights are the same bits at any number of threads. Examples:

              starling train bpmf --data ratings.csv --output runs/bayes
              starling train bpmf --data ratings.csv --output runs/bayes --factors 32 --samples 400 --keep-samples 16

            A checkpoint is written every 25 sweeps unless --checkpoint-every says otherwise.
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags
    @OptionGroup(title: "Data") var catalogs: CatalogFlags
    @OptionGroup(title: "Held-out part") var splitting: SplitFlags
    @OptionGroup(title: "Model") var model: BPMFFlags
    @OptionGroup(title: "Run") var run_: RunFlags

    func run() throws {
        _ = try run_.device(takesGPU: false)
        var run = run_
        run.checkpointEvery = run.checkpointEvery ?? 25
        let options = try model.options(seed: run.seed)
        var job = TrainingJob(
            model: "bpmf", run: run, reading: reading, catalogs: catalogs, rule: try splitting.rule(),
            epochs: options.epochs, factors: options.factors, configuration: model.configuration(options))
        job.foldsUsersIn = true
        try job.execute(
            estimate: { sizes in
                BayesianMF.memoryEstimate(
                    users: sizes.users, items: sizes.items, ratings: sizes.interactions, validation: sizes.validation,
                    options: options)
            },
            trainer: { data, workers, isa, _ in
                try BayesianMF.trainer(
                    on: data.history, validation: data.heldOut[.validation], options: options, ranks: data.ranks,
                    workers: workers, isa: isa)
            })
    }
}
