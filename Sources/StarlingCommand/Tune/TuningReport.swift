import Starling

/// What a search found: all trials, the best first, and the command that trains its model.
struct TuningReport {
    let model: String
    let search: String
    let metric: WatchedMetric
    let split: String
    let output: String
    let results: [TrialResult]
    let seconds: Double
    let command: (_ trial: Int) -> String

    /// The last result of each trial: those that were trained furthest first, then by the metric, then by number.
    private var ranked: [TrialResult] {
        let last = Dictionary(results.map { ($0.trial, $0) }) { $0.rung > $1.rung ? $0 : $1 }
        return last.values.sorted { left, right in
            guard let one = left.value, let other = right.value else {
                return (left.value == nil ? 1 : 0, left.trial) < (right.value == nil ? 1 : 0, right.trial)
            }
            if left.rung != right.rung { return left.rung > right.rung }
            return one == other ? left.trial < right.trial : metric.isBetter(one, than: other)
        }
    }

    /// The first of them; nil where there is none.
    var best: TrialResult? { ranked.first }

    /// - Throws: `failed` if every trial failed.
    func print(json: Bool) throws {
        let ranked = ranked
        guard let best = ranked.first, let value = best.value else {
            throw StarlingError(
                .failed, "every trial failed: \(ranked.first?.error ?? "there is none")",
                remedy: "search other ranges; \(output)/trials.jsonl has them all")
        }
        if json {
            let answer = Answer(
                model: model, search: search, metric: metric.name,
                protocol: metric.name.contains("@") ? EvaluationProtocol(split: split) : nil, split: split,
                output: output,
                best: .init(
                    trial: best.trial, value: value, metrics: best.metrics, options: best.options,
                    command: command(best.trial)),
                trials: ranked, seconds: seconds)
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        let names = best.options.keys.sorted()
        let rows = ranked.enumerated().map { place, result -> [String] in
            var row = [place == 0 ? "best" : "", String(result.trial)]
            row += names.map { result.options[$0] ?? "" }
            row.append(result.value.map { Numerals.fixed($0, 4) } ?? "failed")
            return row + [String(result.epochs), Numerals.duration(result.seconds)]
        }
        let table = Table(header: ["", "trial"] + names + [metric.name, "epochs", "time"], rows: rows)
        let how =
            metric.name.contains("@")
            ? "Full ranking on the validation part of \(split), less items that the user has in training."
            : "Measured on the validation part of \(split)."
        FileHandles.standardOutput(
            table.render() + "\n\(how)\nThe best again, to the same bits:\n\n  \(command(best.trial))\n")
    }

    private struct Answer: Encodable {
        let model: String
        let search: String
        let metric: String
        let `protocol`: EvaluationProtocol?
        let split: String
        let output: String
        let best: Best
        let trials: [TrialResult]
        let seconds: Double

        struct Best: Encodable {
            let trial: Int
            let value: Double
            let metrics: [String: Double]
            let options: [String: String]
            let command: String
        }
    }
}
