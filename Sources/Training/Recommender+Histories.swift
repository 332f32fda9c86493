import Basics
public import Interactions
public import Ranking

// Recommendations for people who were not in training, from what they have had.

extension Recommender {
    /// Users who are known by their histories alone: the row of a user is that of the history.
    ///
    /// - Parameter sequences: the same in the order of time, for models that go by it.
    /// - Throws: `usage` if the model cannot make a vector of a history.
    public func queries(
        for histories: InteractionMatrix<UserRow, ItemRow>, inOrder sequences: InteractionSequences? = nil
    ) throws -> any QueryEncoder {
        if let sequences, let encoder = encoder as? any SequenceEncoder {
            return encoder.over(sequences, knownUsers: false)
        }
        try requireHistories()
        return HistoryQueries(historyEncoder!, histories)
    }

    /// Sees to it that the model makes vectors of histories.
    ///
    /// - Throws: `usage` if it does not.
    public func requireHistories() throws {
        if historyEncoder != nil || encoder is any SequenceEncoder { return }
        throw StarlingError(
            .usage, "a model of this kind makes no vector of a history: it knows the users of its training alone",
            remedy: "recommend to a user of the training data, or train a model that folds users in")
    }

    /// The best `count` items for each history, best first, equal scores by item row.
    ///
    /// - Parameters:
    ///   - histories: `[people × items]`, under this model's item rows; see ``histories(parsing:)``.
    ///   - sequences: the same in the order of time, for models that go by it; see ``sequences(parsing:)``.
    ///   - includeSeen: whether items of the history itself may come back.
    /// - Throws: `usage` if the model cannot make a vector of a history; what its encoder throws.
    public func recommend(
        for histories: InteractionMatrix<UserRow, ItemRow>, inOrder sequences: InteractionSequences? = nil,
        count: Int = 10, includeSeen: Bool = false
    ) throws -> [[Item]] {
        let people = (0..<histories.rowCount).map { UserRow($0) }
        return try ranker.top(
            count, for: people, encoder: queries(for: histories, inOrder: sequences),
            excluding: includeSeen ? nil : histories
        ).map(describe)
    }

    /// Histories as people type them, `[texts × items]`: `id[:value],…`.
    ///
    /// Commas part the entries; blanks around one do not count. What stands behind the last colon of an entry is its value
    /// if it is a number and what stands before is an item; otherwise the whole entry is the item. So ids may hold
    /// colons, but no commas. An entry without a value counts as 1; if no entry has one, the matrix has no values.
    ///
    /// - Throws: `badData` for an item that the model lacks, naming near ones, for one that stands twice in a history, for
    ///   a value that is not finite; `usage` for a history without items.
    public func histories(parsing texts: [String]) throws -> InteractionMatrix<UserRow, ItemRow> {
        var (offsets, columns, values): ([Int], [UInt32], [Float]) = ([0], [], [])
        var hasValues = false
        for text in texts {
            let entries = try historyEntries(text)
            hasValues = hasValues || entries.contains { $0.value != nil }
            for entry in entries.sorted(by: { $0.item < $1.item }) {
                columns.append(entry.item)
                values.append(entry.value ?? 1)
            }
            offsets.append(columns.count)
        }
        return InteractionMatrix(
            offsets: offsets, columns: columns, values: hasValues ? values : nil, columnCount: items.count)
    }

    /// The same histories as they are written, the earliest item first; values say nothing.
    ///
    /// - Throws: as ``histories(parsing:)`` does.
    public func sequences(parsing texts: [String]) throws -> InteractionSequences {
        InteractionSequences(try texts.map { try historyEntries($0).map(\.item) })
    }

    private func historyEntries(_ text: String) throws -> [(item: UInt32, value: Float?)] {
        var entries: [(item: UInt32, value: Float?)] = []
        var items: Set<UInt32> = []
        for part in text.split(separator: ",") {
            let entry = Self.trimmed(part)
            guard !entry.isEmpty else { continue }
            let (item, value) = try historyEntry(entry)
            guard items.insert(UInt32(item.index)).inserted else {
                throw StarlingError(
                    .badData, "item \(self.items[item]) stands twice in the history “\(text)”",
                    remedy: "name it once, with the value that counts")
            }
            entries.append((UInt32(item.index), value))
        }
        guard !entries.isEmpty else {
            throw StarlingError(
                .usage, "the history “\(text)” names no item", remedy: "write ids with commas between: 10:4,25,31:5")
        }
        return entries
    }

    private func historyEntry(_ entry: String) throws -> (ItemRow, Float?) {
        guard let colon = entry.lastIndex(of: ":"), let value = Float(entry[entry.index(after: colon)...]) else {
            return (try itemRow(entry), nil)
        }
        let before = String(entry[..<colon])
        if items.row(of: before) == nil, let whole = items.row(of: entry) { return (whole, nil) }
        let row = try itemRow(before)
        guard value.isFinite else {
            throw StarlingError(
                .badData, "the value of “\(entry)” is not finite", remedy: "give a number, as in 10:4.5")
        }
        return (row, value)
    }

    /// What a history holds, in the order of its rows: the values as scores.
    public func describe(
        _ person: UserRow, of histories: InteractionMatrix<UserRow, ItemRow>
    ) -> [Item] {
        let rows = histories[person].map { ItemRow(Int($0)) }
        return describe(
            RankedList(items: rows, scores: histories.values(person).map(Array.init) ?? rows.map { _ in 1 }))
    }

    private static func trimmed(_ text: Substring) -> String {
        let rest = text.drop { $0.isWhitespace }
        return String(rest[..<(rest.lastIndex { !$0.isWhitespace }.map { rest.index(after: $0) } ?? rest.startIndex)])
    }
}
