import Basics

extension InteractionLog {
    /// One log of parts that were read apart, under vocabularies of all their ids, and which part each interaction is of.
    ///
    /// Values and times stay where all parts have them.
    /// - Throws: `badData` if a part has no interactions.
    /// - Complexity: O(interactions + ids · log ids)
    package static func joining(
        train: InteractionLog, validation: InteractionLog?, test: InteractionLog?
    ) throws -> (log: InteractionLog, partition: LogPartition) {
        let given: [(part: LogPart, log: InteractionLog?)] = [
            (.train, train), (.validation, validation), (.test, test),
        ]
        let parts = given.compactMap { part, log in log.map { (part: part, log: $0) } }
        for (part, log) in parts where log.count == 0 {
            throw StarlingError(.badData, "the folder for \(part.name) holds no interactions")
        }
        let users = Vocabulary<UserRow>(joining: parts.map(\.log.users))
        let items = Vocabulary<ItemRow>(joining: parts.map(\.log.items))
        let moved = parts.map { part in
            let userOf = part.log.users.rows(in: users)
            let itemOf = part.log.items.rows(in: items)
            return (users: part.log.userRows.map { userOf[Int($0)] }, items: part.log.itemRows.map { itemOf[Int($0)] })
        }
        func joined<Element>(_ column: (InteractionLog) -> [Element]?) -> [Element]? {
            let columns = parts.compactMap { column($0.log) }
            return columns.count == parts.count ? Array(columns.joined()) : nil
        }
        let log = InteractionLog(
            users: users, items: items, userRows: Array(moved.map(\.users).joined()),
            itemRows: Array(moved.map(\.items).joined()), values: joined(\.values), times: joined(\.times))
        let partition = LogPartition(
            rule: .folders, parts: parts.flatMap { [LogPart](repeating: $0.part, count: $0.log.count) },
            wanted: parts.map(\.part))
        return (log, partition)
    }
}

extension Vocabulary {
    /// All ids of several vocabularies, sorted.
    fileprivate init(joining vocabularies: [Vocabulary]) {
        let integers = vocabularies.compactMap { vocabulary in
            if case .integers(let ids) = vocabulary.ids { ids } else { nil }
        }
        if integers.count == vocabularies.count {
            self.init(.integers(Set(integers.joined()).sorted()))
        } else {
            self.init(vocabularies.map(\.rawIDs).joined())
        }
    }

    /// The row in another vocabulary of each id; all are there.
    fileprivate func rows(in other: Vocabulary) -> [UInt32] { rawIDs.map { UInt32(other.row(of: $0)!.index) } }
}
