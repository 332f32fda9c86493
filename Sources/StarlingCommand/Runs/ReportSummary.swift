import Reports
import Starling

/// What `report` says of the page that it wrote. Property names are the JSON keys.
struct ReportSummary: Encodable {
    /// The file.
    let report: String
    let runs: [Run]
    let bytes: Int
    let seconds: Double
    /// What the page lacks, and why.
    let notices: [String]

    struct Run: Encodable {
        /// The folder, and what the page calls the run.
        let run, name: String
        let model: String
        let status: String
        let users_evaluated: Int?
        /// Those of `evaluate`.
        let metrics: [String: Double]?
        /// Of the first run that could be measured; of a model of ratings the baseline of errors and the one of lists.
        let baseline, lists_baseline: Report.Baseline?
        let gini, novelty: Double?
        /// What the most popular tenth of items have of the lists and of the held-out interactions.
        let hits: Report.Coverage.Hits?

        init(_ run: Report.Run) {
            (self.run, name) = (run.path, run.name)
            (model, status) = (run.model, run.status.rawValue)
            (users_evaluated, metrics) = (run.usersEvaluated, run.metrics)
            (baseline, lists_baseline) = (run.baseline, run.listsBaseline)
            (gini, novelty, hits) = (run.coverage?.spread.gini, run.coverage?.spread.novelty, run.coverage?.hits)
        }
    }

    /// The file, and a row a figure: the runs' and the baseline's.
    func text(_ k: Int) -> String {
        let written = "Wrote \(report), \(Numerals.bytes(bytes)), in \(Numerals.duration(seconds)).\n"
        let rivals = [runs.first?.baseline, runs.first?.lists_baseline].compactMap(\.self)
        var rows: [[String]] = []
        func row(_ name: String, _ values: [Double?], _ decimals: Int = 4) {
            guard values.contains(where: { $0 != nil }) else { return }
            rows.append([name] + values.map { $0.map { Numerals.fixed($0, decimals) } ?? "–" })
        }
        let names = ["rmse", "mae"] + ["ndcg", "recall", "hit_rate", "mrr", "coverage"].map { "\($0)@\(k)" }
        for name in names { row(name, runs.map { $0.metrics?[name] } + rivals.map { $0.metrics[name] }) }
        let blank = rivals.map { _ in nil as Double? }
        row("novelty, bits", runs.map(\.novelty) + blank, 2)
        row("gini of places", runs.map(\.gini) + blank, 2)
        row("hits among places", runs.map { $0.hits?.recommended } + blank, 2)
        row("hits among choices", runs.map { $0.hits?.chosen } + blank, 2)
        guard !rows.isEmpty else { return written }
        let header = [""] + runs.map(\.name) + rivals.map(\.name)
        return Table(header: header, rows: rows).render(width: Terminal.width()) + "\n" + written
    }
}
