import Starling

// Answers to one user or to few, who need not be in training.

extension RecommendCommand {
    /// A list and whom it is for. Property names are the JSON keys.
    struct Answer: Encodable {
        var user: String?
        var items: [Recommender.Item]
        var history: [Recommender.Item]?
        /// What stood in for recommendations, if anything.
        var fallback: String?
        /// Why it had to.
        var reason: String?
    }

    func answers(_ recommender: Recommender) throws -> [Answer] {
        guard !history.isEmpty else {
            let known = user.compactMap(recommender.users.row).filter(recommender.isTrained)
            if !includeSeen || withHistory { _ = try recommender.trained.of(known) }
            return try user.map { try answer(to: $0, recommender) }
        }
        try recommender.requireHistories()
        let histories = try recommender.histories(parsing: history)
        let lists = try recommender.recommend(
            for: histories, inOrder: recommender.sequences(parsing: history), count: count, includeSeen: includeSeen)
        return lists.enumerated().map { row, items in
            Answer(items: items, history: recommender.describe(UserRow(row), of: histories))
        }
    }

    private func answer(to id: String, _ recommender: Recommender) throws -> Answer {
        if coldStart != nil, let reason = recommender.coldReason(id) {
            return Answer(
                user: id, items: recommender.popular(count: count), history: withHistory ? [] : nil,
                fallback: "popular", reason: reason)
        }
        return Answer(
            user: id, items: try recommender.recommend(for: id, count: count, includeSeen: includeSeen),
            history: withHistory ? try recommender.history(of: id, count: count) : nil)
    }

    /// One JSON object a line, to the file or to standard output.
    func writeLines(_ answers: [Answer]) throws {
        let lines = try answers.map { try JSON.text($0) + "\n" }.joined()
        guard let output else { return FileHandles.standardOutput(lines) }
        try Files.writeAtomically(to: output) { try $0.write(lines) }
    }

    func show(_ answer: Answer, _ recommender: Recommender) throws {
        guard !use.json else { return FileHandles.standardOutput(try JSON.text(answer) + "\n") }
        if let history = answer.history, withHistory, answer.fallback == nil {
            let title =
                answer.user.map { "What user \($0)\(attributes(of: $0, recommender)) rated highest" }
                ?? "The history that was given"
            FileHandles.standardOutput(ItemTable.render(history, title: title, value: "rating") + "\n")
        }
        if let reason = answer.reason {
            FileHandles.standardOutput(
                "Fallback: \(DisplayWidth.printable(reason)). These are the most popular items, the same for everybody.\n\n"
            )
        }
        let title =
            answer.fallback != nil
            ? "Most popular in training"
            : answer.user.map { "Recommended to user \($0)" } ?? "Recommended for this history"
        let (value, decimals) = answer.fallback == nil ? ("score", 3) : ("interactions", 0)
        FileHandles.standardOutput(ItemTable.render(answer.items, title: title, value: value, decimals: decimals))
    }

    /// ` (age 39, gender F)`, or nothing.
    private func attributes(of id: String, _ recommender: Recommender) -> String {
        guard let catalog = recommender.userCatalog, let values = catalog[id] else { return "" }
        let known = zip(catalog.attributes, values).filter { !$0.1.isEmpty }.map { "\($0) \($1)" }
        return known.isEmpty ? "" : " (" + known.joined(separator: ", ") + ")"
    }
}

/// Items with titles as a table.
enum ItemTable {
    static func render(_ items: [Recommender.Item], title: String, value: String, decimals: Int = 3) -> String {
        guard !items.isEmpty else { return title + ": nothing is left to show.\n" }
        let titled = items.contains { $0.title != nil }
        let rows = items.enumerated().map { position, item in
            ["\(position + 1)", item.item] + (titled ? [item.title ?? ""] : [])
                + [Numerals.fixed(Double(item.score), decimals)]
        }
        let table = Table(title: title, header: ["#", "item"] + (titled ? ["title"] : []) + [value], rows: rows)
        return table.render(width: Terminal.width())
    }
}
