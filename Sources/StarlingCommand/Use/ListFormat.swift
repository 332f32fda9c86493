import Starling

/// How lists for many users are written.
enum ListFormat: String, CaseIterable {
    case jsonLines = "jsonl"
    case csv, npz
    /// A Mosaic data set: `user` (str), `items` (JSON list of ids), `scores` (float32 array); a folder.
    case mds

    /// By the ending of a file's name.
    init(path: String) throws {
        guard let format = Self.allCases.first(where: { path.lowercased().hasSuffix("." + $0.rawValue) }) else {
            throw StarlingError(
                .usage, "the ending of \(Files.name(path)) names no format",
                remedy: "use .jsonl, .csv, .npz or .mds (a folder)")
        }
        self = format
    }
}

/// Writes recommendations for many users, in bounded memory except for NPZ, whose arrays are made whole first.
struct ListExport {
    let recommender: Recommender
    let users: [UserRow]
    let count: Int

    /// Returns the seconds that ranking took. Making text of the lists and writing is not in them; NPZ counts from
    /// nothing to both arrays.
    func write(
        to path: String?, as format: ListFormat, includeSeen: Bool, _ cancellation: Cancellation,
        progress: (Int) -> Void
    ) throws -> Double {
        var seconds = 0.0
        func rank(_ each: (_ position: Int, RankedList) throws -> Void) throws {
            try recommender.ranker.top(
                count, for: users, encoder: recommender.encoder, excluding: includeSeen ? nil : recommender.history,
                cancellation: cancellation
            ) { position, list in
                try each(position, list)
                if position % 256 == 0 { progress(position) }
            }
        }
        func lists(_ each: (UserRow, [Recommender.Item]) throws -> Void) throws {
            let clock = Stopwatch()
            var text = 0.0
            try rank { position, list in
                let start = clock.seconds
                try each(users[position], recommender.describe(list))
                text += clock.seconds - start
            }
            seconds = clock.seconds - text
        }
        guard let path else {
            try lists { user, items in FileHandles.standardOutput(try jsonLine(user, items)) }
            return seconds
        }
        switch format {
        case .jsonLines:
            try Files.writeAtomically(to: path) { file in
                try lists { user, items in try file.write(jsonLine(user, items)) }
            }
        case .csv:
            try Files.writeAtomically(to: path) { file in
                try file.write("user,rank,item,score,title\n")
                try lists { user, items in
                    let id = CSV.field(recommender.users[user])
                    for (rank, item) in items.enumerated() {
                        let title = CSV.field(item.title ?? "")
                        try file.write("\(id),\(rank + 1),\(CSV.field(item.item)),\(item.score),\(title)\n")
                    }
                }
            }
        case .mds:
            try Files.writeFolderAtomically(to: path) { aside in
                let writer = try MDSWriter(
                    aside, columns: ["user": .string, "items": .json, "scores": .array(.float32)])
                try lists { user, items in
                    try writer.write([
                        "user": .string(recommender.users[user]),
                        "items": .json(JSONValue.array(items.map { .string($0.item) })),
                        // An array has an element at least.
                        "scores": .array(MDSArray(items.isEmpty ? [.nan] : items.map(\.score))),
                    ])
                }
                try writer.finish()
            }
        case .npz:
            let clock = Stopwatch()
            let size = users.count * count
            var scores: [Float] = []
            let items = try [UInt32](unsafeUninitializedCapacity: size) { items, itemCount in
                scores = try [Float](unsafeUninitializedCapacity: size) { scores, scoreCount in
                    try rank { position, list in
                        for rank in 0..<count {
                            let (place, isThere) = (position * count + rank, rank < list.items.count)
                            items.initializeElement(at: place, to: isThere ? UInt32(list.items[rank].index) : .max)
                            scores.initializeElement(at: place, to: isThere ? list.scores[rank] : .nan)
                        }
                    }
                    scoreCount = size
                }
                itemCount = size
            }
            seconds = clock.seconds
            try VectorExport.writeLists(
                users: users.map { recommender.users[$0] }, items: items, scores: scores, count: count,
                vocabulary: recommender.items, to: path)
        }
        return seconds
    }

    private func jsonLine(_ user: UserRow, _ items: [Recommender.Item]) throws -> String {
        struct Line: Encodable {
            let user: String
            let items: [Recommender.Item]
        }
        return try JSON.text(Line(user: recommender.users[user], items: items)) + "\n"
    }
}

/// Comma-separated values (RFC 4180).
enum CSV {
    /// Quoted where it must be.
    static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { [44, 34, 10, 13].contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
