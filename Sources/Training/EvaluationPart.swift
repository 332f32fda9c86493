import Basics
public import Interactions
public import Ranking

/// Interactions that training did not see, ready to be scored: whose they are, what is known of those users, and how a
/// model makes their vectors.
public struct EvaluationPart {
    /// As the protocol names it.
    public let name: String
    /// Under the model's vocabularies; items that the model lacks have rows behind its own.
    public let log: InteractionLog
    /// What users are known to have had, `[users × items]`.
    public let seen: InteractionMatrix<UserRow, ItemRow>
    /// Makes the vectors of the users of ``log``.
    public let encoder: any QueryEncoder
    /// Interactions that are not in ``log``, as the model lacks their user.
    public private(set) var unknownUserInteractions = 0
    /// Interactions of ``log`` whose item the model lacks. They count as missed.
    public private(set) var unknownItemInteractions = 0

    /// The held-out part of a run: the test part if there is one, else the validation part.
    ///
    /// The test part is scored with the validation part among what users have had. For a split by users it is scored by
    /// strong generalisation: a user's vector is made of the folded-in part of the history alone, and that part is what
    /// the user has had.
    ///
    /// - Throws: `usage` if nothing was held out, or users were and the model cannot make vectors of their histories.
    public init(heldOutOf folder: ModelFolder, _ recommender: Recommender) throws {
        let rule = folder.manifest.facts["split"]?.string ?? "none"
        let (validation, test) = (try folder.heldOut(.validation), try folder.heldOut(.test))
        guard let log = test ?? validation else {
            throw StarlingError(
                .usage, "the run has no held-out part", at: .init(file: folder.path),
                remedy: "name interactions with --data, or train with --val-size 0.1")
        }
        self.log = log
        if let foldIn = try folder.heldOut(.foldIn) {
            name = rule
            seen = foldIn.userMatrix()
            encoder = try recommender.queries(for: seen)
        } else {
            name = test == nil ? rule : rule + " (test part)"
            // At test time the validation part is behind the user too.
            let history = try recommender.history
            seen = test != nil && validation != nil ? history.adding(validation!) : history
            encoder = Self.encoder(of: recommender, after: test == nil ? nil : validation)
        }
    }

    /// Vectors of users who have also had `later`, where the model goes by the order of time.
    private static func encoder(of recommender: Recommender, after later: InteractionLog?) -> any QueryEncoder {
        guard let later, let sequential = recommender.encoder as? any SequenceEncoder else {
            return recommender.encoder
        }
        return sequential.over(sequential.sequences.followed(by: later), knownUsers: true)
    }

    /// Other interactions, as of a test file that goes with the training file.
    ///
    /// Users have had what the run's data holds of them: training, and parts that were held out of it, except for pairs
    /// that are also in `given`. Items that the model lacks count as missed, users that it lacks are left out.
    ///
    /// - Throws: `badData` if no interaction is of a user that the model has.
    public init(
        _ given: InteractionLog, named name: String, heldOutOf folder: ModelFolder, _ recommender: Recommender
    ) throws {
        log = given.adopted(by: recommender.users, recommender.items)
        unknownUserInteractions = given.count - log.count
        unknownItemInteractions = log.itemRows.count { $0 >= recommender.items.count }
        guard unknownItemInteractions < log.count else {
            throw StarlingError(
                .badData, "none of its \(given.count) interactions is of a user and an item that the model knows",
                at: .init(file: name), remedy: "score data that has the ids of the training data")
        }
        self.name = name
        encoder = recommender.encoder
        let pairs = Set(zip(log.userRows, log.itemRows).map { UInt64($0) << 32 | UInt64($1) })
        seen = try ModelFolder.HeldOut.allCases.reduce(try recommender.history) { seen, part in
            guard let heldOut = try folder.heldOut(part) else { return seen }
            let others = heldOut.userRows.indices.filter {
                !pairs.contains(UInt64(heldOut.userRows[$0]) << 32 | UInt64(heldOut.itemRows[$0]))
            }
            return seen.adding(heldOut.selecting(others))
        }
    }
}

extension InteractionMatrix<UserRow, ItemRow> {
    /// This history and the interactions of a log, without values.
    fileprivate func adding(_ log: InteractionLog) -> Self {
        var (users, items) = (log.userRows, log.itemRows)
        for user in 0..<rowCount {
            for item in self[UserRow(user)] {
                users.append(UInt32(user))
                items.append(item)
            }
        }
        return InteractionLog(
            users: log.users, items: log.items, userRows: users, itemRows: items, values: nil, times: nil
        ).userMatrix()
    }
}
