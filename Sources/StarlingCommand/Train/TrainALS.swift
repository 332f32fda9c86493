import ArgumentParser
import Starling

struct TrainALSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "als",
        abstract: "Trains factors by alternating least squares, on implicit feedback or ratings.",
        discussion: """
            Implicit feedback: an interaction of value v has confidence 1 + alpha·v, every other pair confidence 1 (Hu, \
            Koren, Volinsky 2008); with --unobserved-weight the loss of iALS (Rendle et al. 2021). The weights are the same \
            bits at any number of threads. Examples:

              starling train als --data clicks.csv --output runs/als --alpha 10 --regularization 0.1
              starling train als --data train.txt --output runs/ials --unobserved-weight 0.1 --factors 256
              starling train als --data ratings.csv --feedback explicit --output runs/explicit
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags
    @OptionGroup(title: "Data") var catalogs: CatalogFlags
    @OptionGroup(title: "Held-out part") var splitting: SplitFlags
    @OptionGroup(title: "Model") var model: ALSFlags
    @OptionGroup(title: "Run") var run_: RunFlags
    @OptionGroup(title: "Run") var memory: MemoryFlags

    func run() throws {
        _ = try run_.device(takesGPU: false)
        let options = try model.options(seed: run_.seed)
        var job = TrainingJob(
            model: "als", run: run_, reading: reading, catalogs: catalogs, rule: try splitting.rule(),
            epochs: options.iterations, factors: options.factors, configuration: model.configuration(options))
        job.foldsUsersIn = true
        job.memory = memory
        job.facts["als"] = try JSONValue(encoding: options)
        try job.execute(
            estimate: { sizes in
                AlternatingLeastSquares.memoryEstimate(
                    users: sizes.users, items: sizes.items, interactions: sizes.interactions,
                    validation: sizes.validation, options: options, hasValues: sizes.hasValues, ranks: sizes.ranks)
            },
            trainer: { data, workers, isa, _ in
                let start = try model.initFrom.map {
                    try FactorStart(reading: $0, users: data.users, items: data.items, factors: options.factors)
                }
                return try AlternatingLeastSquares.trainer(
                    on: data.history, validation: data.heldOut[.validation], options: options, start: start,
                    ranks: data.ranks, workers: workers, isa: isa)
            })
    }
}
