package import Basics
import Interactions
import Ranking
package import Training

/// Makes a report run by run, each model let go before the next is opened.
///
/// ```swift
/// let builder = ReportBuilder(runs: 2, k: 10)
/// try builder.add(Report.Run(run, name: "first"), folder, recommender)
/// try Files.write(ReportPage.bytes(builder.report), to: "report.html")
/// ```
///
/// One pass over the users with held-out items is made for each run, and one more for the baseline beside the first; what is
/// held are numbers an item and a user.
package final class ReportBuilder {
    package private(set) var report: Report
    /// What the report lacks, and why, a line each.
    package private(set) var notices: [String] = []

    private let k: Int
    private let runs: Int
    private var lead: Lead?

    /// The first run with a model on the data of the report: what the others are put beside.
    private struct Lead {
        let catalog: ItemCatalog?
        /// Nil if nothing was held out.
        let bins: RunBins?
        /// Whether groups are shown by their errors.
        let showsErrors: Bool
    }

    /// - Parameters:
    ///   - title: in place of the names of the runs.
    ///   - runs: how many will be added.
    ///   - k: the length of lists, at least 1.
    package init(title: String? = nil, runs: Int, k: Int) {
        precondition(runs >= 1 && k >= 1)
        (self.runs, self.k) = (runs, k)
        report = Report(title: title)
    }

    /// Adds a run of which there is no model, as while it is being trained.
    package func add(_ run: Report.Run, without reason: String) {
        notices.append("\(run.name): \(reason), so the report has nothing of its lists and vectors")
        report.runs.append(run)
    }

    /// Adds a run with its model.
    ///
    /// - Parameter progress: told how many users were ranked, of how many.
    /// - Throws: `interrupted` when cancelled; `failed` where a file of the model is damaged; what its encoder throws.
    /// - Complexity: O(users × items × dimensions).
    package func add(
        _ run: Report.Run, _ folder: ModelFolder, _ recommender: Recommender, cancellation: Cancellation? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        var run = run
        let isComparable = report.runs.first.map { $0.data.fingerprint == run.data.fingerprint } ?? true
        let isLead = lead == nil && isComparable
        let counts = try RunCounts(recommender, foldedIn: try folder.heldOut(.foldIn)?.userMatrix())
        if let trained = run.weightsSHA256, trained != folder.manifest.weightsSHA256 {
            run.command = nil
            notices.append("\(run.name): its model was changed after training, so no command makes it again")
        }
        run.weightsSHA256 = folder.manifest.weightsSHA256
        run.map = Report.Map(of: recommender, counts)
        let part = try part(of: run, folder, recommender)
        let relevant = part.map { RelevantItems(of: $0.log, butNot: $0.seen) }
        if isLead {
            report.data = try Report.Data(folder, try recommender.history, recommender.ranker.workers)
            let bins = part.map { RunBins(counts, heldOut: $0.log, isShared: runs > 1) }
            lead = Lead(
                catalog: recommender.catalog, bins: bins, showsErrors: part?.hasRatings(for: recommender) ?? false)
        }
        if let part, let relevant, !relevant.users.isEmpty {
            // On other data the lead's groups would mean other people.
            let shared = isComparable ? lead?.bins.flatMap { $0.users.count > 0 ? $0 : nil } : nil
            try RunMeasuring(
                k: k, part: part, relevant: relevant, recommender: recommender, counts: counts,
                bins: shared ?? RunBins(counts, heldOut: part.log, isShared: false),
                showsErrors: lead?.showsErrors ?? true && part.hasRatings(for: recommender),
                cancellation: cancellation
            ).measure(&run, withBaseline: isLead, progress: progress)
        }
        let samples = try SampleUsers(
            recommender, counts, catalog: recommender.catalog ?? lead?.catalog, part: part, relevant: relevant)
        if isLead { report.samples = samples.choose() }
        report.runs.append(run)
        guard isComparable else {
            let line = "\(run.name): it was trained on other data, so its figures and lists are not comparable"
            return notices.append(line)
        }
        try samples.addLists(of: report.runs.count - 1, to: &report.samples, length: min(8, k), cancellation)
    }

    /// The held-out part; nil, with a notice, if there is none.
    private func part(
        of run: Report.Run, _ folder: ModelFolder, _ recommender: Recommender
    ) throws -> EvaluationPart? {
        do {
            return try EvaluationPart(heldOutOf: folder, recommender)
        } catch let error as StarlingError where error.code == .usage {
            notices.append("\(run.name): \(error.what), so the report has no figures of quality, coverage and novelty")
            return nil
        }
    }
}
