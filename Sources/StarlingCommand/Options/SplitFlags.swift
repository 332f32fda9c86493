import ArgumentParser
import Starling

/// What is held out from training.
struct SplitFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Hold out this random share of interactions for validation; 0 holds out none. Default: 0.1.",
            valueName: "share"))
    var valSize: Double?

    @Option(
        help: ArgumentHelp(
            """
            Hold out by a rule: random:V[,T], last:N, temporal:V[,T] (shares for validation and test), \
            held-out-users:N for models that fold users in, or folders, where parts lie in train/, validation/ and test/.
            """, valueName: "rule"))
    var split: String?

    /// These options as one types them.
    var arguments: [String] {
        if let split { return ["--split", split] }
        if let valSize { return ["--val-size", "\(valSize)"] }
        return []
    }

    /// The rule that was asked for, a random tenth by default; nil for none.
    ///
    /// - Parameter usual: another default.
    func rule(usual: SplitRule? = nil) throws -> SplitRule? {
        if let split {
            guard valSize == nil else {
                throw StarlingError(.usage, "--split and --val-size exclude each other", remedy: "give one of them")
            }
            return try SplitRule(parsing: split)
        }
        if valSize == nil, let usual { return usual }
        let share = valSize ?? 0.1
        guard share >= 0, share < 1 else {
            throw StarlingError(.usage, "--val-size \(share) is out of range", remedy: "use 0 or more and below 1")
        }
        return share == 0 ? nil : .random(validation: share, test: 0)
    }

    /// The rule for shards that are streamed: their folders are the parts, or nothing is held out.
    func rule(ofStream reading: ReadingFlags) throws -> SplitRule? {
        let rule = split == nil && valSize == nil ? nil : try rule()
        guard rule == nil || rule == .folders else {
            throw StarlingError(
                .usage, "shards that are streamed are not split, since all of train/ is trained on",
                remedy: "put what is held out into validation/ and test/ beside train/, or leave --stream out")
        }
        return try rule ?? (valSize == nil && reading.findPartFolders() != nil ? .folders : nil)
    }
}
