import ArgumentParser
import Starling
import Synchronization

/// A search: draws trials, trains those that are not done yet, ranks them.
struct TuningJob {
    let model: String
    let flags: TuneFlags
    let reading: ReadingFlags
    let catalogs: CatalogFlags
    let splitting: SplitFlags
    let usualSplit: SplitRule?
    let isOrdered: Bool
    let metric: TrialMetric
    let trials: [Trial]
    /// The model's arguments that hold for all trials.
    let fixed: [String]

    func execute() throws {
        let clock = Stopwatch()
        let path = try flags.folder()
        let needsValidation = StarlingError(
            .usage, "a search needs a validation part",
            remedy: "hold one out with --val-size 0.1, or by another --split")
        guard let rule = try splitting.rule(usual: usualSplit), rule.makesValidation else { throw needsValidation }
        let isa = try InstructionSet.current().ofFloats
        let workers = try makeWorkers(flags.threads)
        try flags.tracker.check()
        let cancellation = Signals.cancelOnInterrupt()
        let data = try TrainingData.load(
            reading, catalogs, rule, ordered: isOrdered, flags.seed, OneRank(), workers, cancellation)
        guard let validation = data.heldOut[.validation] else { throw needsValidation }
        try checkMemory(data, validation)
        let asked = record(rule, data.fingerprint, isa)
        let folder = try TrialFolder(path, asked, overwrite: flags.overwrite)
        let tracker = try flags.tracker.open(TrackedRun(search: path, asked))
        defer { tracker?.close(cancellation) }
        let halves = flags.search == .halving
        let runner = TrialRunner(
            model: model, data: data, validation: validation, metric: metric, isa: isa,
            cancellation: cancellation, checkpoints: halves ? folder.checkpoints : nil, tracker: tracker)
        do {
            try halves
                ? halve(runner, folder, workers) : run(trials, rung: 0, { $0.plan.epochs }, runner, folder, workers)
        } catch let error as StarlingError where error.code == .interrupted {
            tracker?.end(.interrupted, metrics: [:], tags: [:])
            throw StarlingError(
                .interrupted, "stopped with \(folder.results.count) trials behind it",
                remedy: "the same command goes on from here")
        } catch {
            tracker?.end(.failed, metrics: [:], tags: ["starling.error": "\(error)"])
            throw error
        }
        let report = TuningReport(
            model: model, search: flags.search.rawValue, metric: metric.watched, split: "\(rule)", output: path,
            results: folder.results.filter { $0.trial <= trials.count }, seconds: clock.seconds,
            command: { command(trials[$0 - 1], path) })
        if let tracker {
            let best = report.best
            tracker.end(
                best?.value == nil ? .failed : .finished, metrics: best?.metrics ?? [:],
                tags: best.map { ["starling.best_trial": "\($0.trial)"] } ?? [:])
        }
        try report.print(json: flags.json)
    }

    private func halve(_ runner: TrialRunner, _ folder: TrialFolder, _ workers: Workers) throws {
        let halving = Halving(trials: trials.count, epochs: trials.map(\.plan.epochs).min()!)
        var alive = trials
        for rung in 0...halving.eliminations {
            try run(
                alive, rung: rung, { halving.epochs(of: $0.plan.epochs, rung: rung) }, runner, folder, workers)
            let values = Dictionary(
                folder.results.filter { $0.rung == rung && $0.value != nil }.map { ($0.trial, $0.value!) }
            ) { $1 }
            let next = rung < halving.eliminations ? halving.trials(rung: rung + 1) : 0
            let ranked = alive.filter { values[$0.number] != nil }.sorted { left, right in
                let (one, other) = (values[left.number]!, values[right.number]!)
                return one == other ? left.number < right.number : metric.watched.isBetter(one, than: other)
            }
            let survivors = Set(ranked.prefix(next).map(\.number))
            for trial in alive where !survivors.contains(trial.number) { try runner.forget(trial) }
            alive = alive.filter { survivors.contains($0.number) }
        }
        try Files.remove(folder.checkpoints)
    }

    /// Runs those of `trials` that have no result for this rung.
    private func run(
        _ trials: [Trial], rung: Int, _ epochs: (Trial) -> Int, _ runner: TrialRunner, _ folder: TrialFolder,
        _ workers: Workers
    ) throws {
        let done = Set(folder.results.filter { $0.rung == rung }.map(\.trial))
        let open = trials.filter { !done.contains($0.number) }
        guard !open.isEmpty else { return }
        let atOnce = min(flags.parallel, open.count)
        let pools = atOnce == 1 ? [workers] : (0..<atOnce).map { _ in Workers(threads: max(1, workers.count / atOnce)) }
        let console = Mutex(Console(metric: metric.watched, total: trials.count, done: done.count))
        console.withLock {
            $0.best = folder.results.filter { $0.rung == rung }.compactMap(\.value).reduce(nil as Double?) {
                best, value in
                best.map { metric.watched.isBetter(value, than: $0) ? value : $0 } ?? value
            }
        }
        try Workers(threads: atOnce).forEach(open.count) { index, driver in
            if runner.cancellation.isCancelled { throw StarlingError(.interrupted, "the search was stopped") }
            let result = try runner.run(open[index], rung: rung, epochs: epochs(open[index]), workers: pools[driver])
            try folder.add(result)
            console.withLock { $0.show(result) }
        }
    }

    /// The trials that are trained at the same time, at their largest.
    private func checkMemory(_ data: TrainingData, _ validation: InteractionLog) throws {
        let estimates = trials.map {
            $0.plan.estimate(
                TrainingSizes(
                    users: data.history.rowCount, items: data.history.columnCount,
                    interactions: data.history.entryCount,
                    validation: metric.cutoff == nil ? validation.count : 0, hasValues: data.history.values != nil))
        }
        var memory = MemoryEstimate()
        for estimate in estimates.sorted(by: { $0.total > $1.total }).prefix(flags.parallel) {
            memory.add("a trial", bytes: estimate.total)
        }
        FileHandles.standardError(
            "memory  \(Numerals.bytes(memory.total)) at most, trials at once: \(min(flags.parallel, trials.count))\n")
        try memory.check()
    }

    /// All that the results depend on.
    private func record(_ rule: SplitRule, _ fingerprint: String, _ isa: InstructionSet) -> [String: JSONValue] {
        [
            "model": .string(model), "search": .string(flags.search.rawValue), "metric": .string(metric.watched.name),
            "trials": .integer(trials.count), "seed": .string("\(flags.seed)"), "split": .string("\(rule)"),
            "ranges": .array(flags.range.sorted().map { .string($0) }),
            "choices": .array(flags.choice.sorted().map { .string($0) }),
            "options": .string(Shell.line(fixed)), "fingerprint": .string(fingerprint), "isa": .string(isa.name),
        ]
    }

    /// What trains the model of a trial into a run, to the same bits.
    private func command(_ trial: Trial, _ path: String) -> String {
        var arguments = ["starling", "train", model] + reading.arguments + splitting.arguments
        arguments += ["--seed", String(flags.seed)] + fixed + Trial.arguments(trial.options)
        return Shell.line(arguments + ["--output", path + "/best"])
    }

    /// One line a trial on standard error.
    private struct Console {
        let metric: WatchedMetric
        let total: Int
        var done: Int
        var best: Double?

        mutating func show(_ result: TrialResult) {
            done += 1
            let isBest = result.value.map { value in best.map { metric.isBetter(value, than: $0) } ?? true } ?? false
            if isBest { best = result.value }
            let options = result.options.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            let outcome = result.value.map { "\(metric.name) \(Numerals.fixed($0, 4))" } ?? "failed"
            var fields = ["trial \(result.trial) (\(done) of \(total))", outcome] + options
            fields += ["epochs \(result.epochs)", Numerals.duration(result.seconds)]
            if isBest { fields.append("best") }
            FileHandles.standardError(fields.joined(separator: "  ") + "\n")
        }
    }
}

/// Arguments as a line that a shell takes apart again.
package enum Shell {
    package static func line(_ arguments: [String]) -> String {
        arguments.map { argument in
            let isPlain =
                !argument.isEmpty
                && argument.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                        || "_-./:=,@%+".utf8.contains($0)
                }
            return isPlain
                ? argument
                : "'" + argument.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                    + "'"
        }.joined(separator: " ")
    }
}
