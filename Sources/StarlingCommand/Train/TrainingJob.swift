import Starling
import Torch

/// What every `train` command does around its model: read, split, estimate, train in a run directory, write the model,
/// print the result. On several ranks all of them train, and rank 0 alone has the run, and speaks.
struct TrainingJob {
    let model: String
    let run: RunFlags
    let reading: ReadingFlags
    let catalogs: CatalogFlags
    let rule: SplitRule?
    let epochs: Int
    let factors: Int
    /// The model's own options, in their final values.
    let configuration: [String: JSONValue]
    /// Whether the model makes vectors of people who were not in training, so that whole users can be held out.
    var foldsUsersIn = false

    /// What using the model needs beside its weights.
    var facts: [String: JSONValue] = [:]

    /// Whether batches are read from shards as training goes on.
    var streams = false

    /// Whether the model goes by the order of time.
    var isOrdered = false

    /// How much memory may be taken, of models that can do with passes over the source; nil for others.
    var memory: MemoryFlags?

    /// What training takes that goes through passes itself; nil of models that need histories.
    var dealing: EstimateOfDealing?

    /// What progress counts.
    var unit = "ratings"

    /// What it trains on.
    var device = "cpu"

    /// The metric that early stopping watches.
    var watched = "val_rmse"

    /// What is done with the finished model before the result is printed, such as an export.
    var afterwards: (ModelFolder) throws -> Void = { _ in }

    /// What training takes at its peak, its histories included.
    typealias Estimate = (TrainingSizes) -> MemoryEstimate
    typealias EstimateOfDealing =
        (_ passes: SourcePasses, _ validation: Int, _ place: GridScratch.Place, _ workers: Int) -> MemoryEstimate
    typealias MakeTrainer = (TrainingData, Workers, InstructionSet, Cancellation) throws -> any EpochTrainer

    func execute(estimate: Estimate, trainer makeTrainer: MakeTrainer) throws {
        let clock = Stopwatch()
        let path = try run.outputPath()
        let ifPresent = try run.ifPresent()
        let isa = try InstructionSet.current().ofFloats
        if case .heldOutUsers? = rule, !foldsUsersIn {
            throw StarlingError(
                .usage, "held-out-users needs a model that folds new users in, and this one does not",
                remedy: "use random:, last: or temporal:")
        }
        let hasValidation =
            rule == .folders ? try reading.partFolders().validation != nil : rule?.makesValidation ?? false
        let loop = try run.loop(epochs: epochs, hasValidation: hasValidation, watching: watched)
        let workers = try run.workers()
        let ranks = try TrainingRanks.meet()
        let isFirst = ranks.rank == 0
        var record = RunRecord(
            model: model, configuration: fullConfiguration,
            data: .init(source: reading.shownSource ?? "", fingerprint: ""), isa: isa.name)
        try TrainingRanks.agree(ranks, on: record)
        try ranks.together {
            guard isFirst else { return }
            try run.tracker.check()
            try RunDirectory.check(path, ifPresent)
        }
        let cancellation = Signals.cancelOnInterrupt()

        var plan = DataPlan(available: try ranks.together { try memory?.available() ?? MemoryEstimate.available() })
        if memory != nil, ranks.size == 1 {
            plan = try DataPlan(
                reading, rule, available: plan.available, isLimited: memory?.memoryLimit != nil, estimate,
                deals: dealing != nil, workers, cancellation)
        }
        var loaded: TrainingData
        switch plan.way {
        case .log:
            loaded = try TrainingData.load(
                reading, catalogs, rule, streams: streams, ordered: isOrdered, run.seed, ranks, workers, cancellation)
            try checkMemory(plan, loaded, estimate, workers)
        case .passes(let indexed):
            loaded = try TrainingData.load(
                indexed, catalogs, rule, makesHistories: dealing == nil, run.seed, workers, cancellation)
            if let dealing, let passes = loaded.passes {
                let place = try plan.grid(
                    passes, heldOut: loaded.interactions - loaded.trainInteractions, dealing,
                    isLimited: memory?.memoryLimit != nil, workers)
                loaded.grid = GridScratch(folder: path, place: place)
            }
        }
        if plan.canRefer { try loaded.refer(reading, rule, run.seed) }
        let loadSeconds = clock.seconds
        let sizes = (users: loaded.history.rowCount, items: loaded.history.columnCount)
        guard ranks.size <= max(sizes.users, 1) else {
            throw StarlingError(
                .usage, "\(ranks.size) ranks are more than the \(sizes.users) users there are to share",
                remedy: "start as many ranks as there are machines, or fewer")
        }

        record.data.fingerprint = loaded.fingerprint
        record.cluster = try VertexJob.current.get().cluster ?? TrainingRanks.cluster(ranks)
        let directory = try ranks.together {
            isFirst ? try RunDirectory(training: path, as: record, ifPresent: ifPresent) : nil
        }
        let finished = directory.flatMap { $0.record.status == .finished ? $0.record.summary : nil }
        if try ranks.any(finished != nil) {
            guard let directory, let finished else { return }
            FileHandles.standardError("the run is finished already; this is its result\n")
            try afterwards(ModelFolder(directory.modelPath))
            return try TrainingReport.print(finished, json: run.json)
        }

        let loadPeak = Host.peakMemory()
        let loadSentBytes = ranks.sentBytes
        Host.resetPeakMemory()
        let trainer = try makeTrainer(loaded, workers, isa, cancellation)
        if loaded.referred != nil { loaded.letGoOfHistory() }
        guard let directory else {
            loaded.keepSizes()
            _ = try loop.train(trainer, ranks: ranks, cancellation: cancellation)
            try trainer.handWeights(to: ranks) { _ in }
            return
        }
        let vertex = try VertexJob.current.get()
        let reporter = vertex.trial.map { HypertuneReporter(vertex.metricFile, trial: $0, metric: watched) }
        let console = ConsoleObserver(unit: unit)
        var observers: [any TrainingObserver] = [console] + (reporter.map { [$0] } ?? [])
        observers += try Program.current.makeTrackers(run.tracking()) { console.receive(.warning($0)) }
        let tracker = try run.tracker.open(TrackedRun(path, directory.record))
        defer { tracker?.close(cancellation) }
        observers += tracker.map { [$0] } ?? []
        let result: TrainingResult
        do {
            result = try loop.train(
                trainer, in: directory, ranks: ranks, cancellation: cancellation, observers: observers)
            try trainer.handWeights(to: ranks) { weights in
                try ModelFolder.write(parts(of: loaded, weights), to: directory.modelPath)
            }
        } catch {
            let isInterruption = (error as? StarlingError)?.code == .interrupted
            tracker?.end(isInterruption ? .interrupted : .failed, metrics: [:], tags: ["starling.error": "\(error)"])
            throw error
        }
        let trainPeak = Host.peakMemory()

        let trained = loaded.trainInteractions
        let summary = TrainingReport.Summary(
            model: model, run: path, users: sizes.users, items: sizes.items, interactions: loaded.interactions,
            trainInteractions: trained, factors: factors, threads: workers.count,
            ranks: ranks.size > 1 ? ranks.size : nil, sentBytes: ranks.size > 1 ? ranks.sentBytes - loadSentBytes : nil,
            device: device,
            epochs: result.epochs,
            bestEpoch: result.bestEpoch, metrics: result.metrics, seconds: clock.seconds, loadSeconds: loadSeconds,
            trainSeconds: result.trainSeconds,
            interactionsPerSecond: Double(trained * result.epochs.count) / max(result.trainSeconds, 1e-9),
            peakMemoryBytes: max(loadPeak, Host.peakMemory()), trainPeakMemoryBytes: trainPeak,
            devicePeakMemoryBytes: device == "cpu" ? nil : try Device(device)?.use()?.peak,
            weightsSHA256: result.weightsSHA256)
        try directory.finish(summary: summary)
        if let tracker { try TrainingReport.tell(tracker, summary, directory) }
        try afterwards(ModelFolder(directory.modelPath))
        try TrainingReport.print(JSONValue(encoding: summary), json: run.json)
    }

    /// Says what a training on a log takes, and refuses what does not fit.
    private func checkMemory(
        _ plan: DataPlan, _ data: TrainingData, _ estimate: Estimate, _ workers: Workers
    ) throws {
        let sizes = ReadingSizes(
            count: data.interactions, heldOut: data.interactions - data.trainInteractions, hasTimes: data.hasTimes,
            before: plan.before,
            sizes: TrainingSizes(
                users: data.users.count, items: data.items.count, interactions: data.trainInteractions,
                validation: data.heldOut[.validation]?.count ?? 0, hasValues: data.history.values != nil,
                ranks: data.ranks.size))
        let memory = sizes.ofLog(training: estimate(sizes.sizes), workers: workers)
        if data.ranks.rank == 0 { FileHandles.standardError("memory  \(memory.line)\n") }
        try data.ranks.together { try plan.check(memory) }
    }

    private var fullConfiguration: [String: JSONValue] {
        var all = configuration.merging(run.configuration) { $1 }.merging(reading.configuration) { $1 }
        all["device"] = .string(device)
        all["split"] = rule.map { .string("\($0)") }
        // Said outright, since leaving both out means the default.
        all["val-size"] = rule == nil ? .integer(0) : nil
        all["items"] = catalogs.items.map { .string($0) }
        all["users"] = catalogs.users.map { .string($0) }
        return all.filter { $0.value != .null }
    }

    private func parts(of data: TrainingData, _ weights: [TensorSource]) -> ModelParts {
        var facts = facts
        facts["split"] = .string(rule.map { "\($0)" } ?? "none")
        facts["seed"] = .integer(Int(run.seed))
        if let range = data.valueRange {
            facts["value_range"] = .array([.number(Double(range.lowerBound)), .number(Double(range.upperBound))])
        }
        var parts = ModelParts(
            manifest: ModelManifest(
                kind: model, users: data.users.count, items: data.items.count,
                interactions: data.trainInteractions, factors: factors, facts: facts),
            weights: weights, users: data.users, items: data.items)
        parts.catalog = data.catalog
        parts.userCatalog = data.userCatalog
        parts.referredHistory = data.referred
        parts.history = data.referred == nil ? data.history : nil
        parts.sequences = data.sequences
        parts.heldOut = data.heldOut
        return parts
    }
}
