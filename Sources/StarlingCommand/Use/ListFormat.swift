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
    let count: Int
    let format: ListFormat
    /// What texts of lists are made of, for all that is written.
    private let text: ListText

    init(_ recommender: Recommender, count: Int, as format: ListFormat) {
        (self.recommender, self.count, self.format) = (recommender, count, format)
        text = ListText(format == .csv ? .csv : format == .mds ? .idList : .jsonLines, recommender)
    }

    /// Returns the seconds that ranking took. Making text of the lists and writing is not in them; NPZ counts from
    /// nothing to both arrays.
    func write(
        _ users: [UserRow], to path: String?, includeSeen: Bool, _ cancellation: Cancellation,
        progress: (Int) -> Void
    ) throws -> Double {
        var seconds = 0.0
        func rank(_ each: (_ position: Int, RankedList) throws -> Void) throws {
            try recommender.ranker.top(
                count, for: users, encoder: recommender.encoder,
                excluding: includeSeen ? nil : recommender.trained.of(users),
                cancellation: cancellation
            ) { position, list in
                try each(position, list)
                if position % 256 == 0 { progress(position) }
            }
        }
        func texts(together size: Int, _ each: ([[UInt8]], Block) throws -> Void) throws {
            let clock = Stopwatch()
            var (elsewhere, block) = (0.0, Block(users: users[..<0], lists: []))
            func flush() throws {
                let start = clock.seconds
                let end = block.users.startIndex + block.lists.count
                block.users = users[block.users.startIndex..<end]
                try each(
                    text.pieces(of: block.lists, for: block.users, together: size, recommender.ranker.workers), block)
                block = Block(users: users[end..<end], lists: [])
                elsewhere += clock.seconds - start
            }
            try rank { _, list in
                block.lists.append(list)
                if block.lists.count == Self.blockSize { try flush() }
            }
            if !block.lists.isEmpty { try flush() }
            seconds = clock.seconds - elsewhere
        }
        guard let path else {
            try texts(together: 32) { pieces, _ in
                for piece in pieces { FileHandles.standardOutput(String(decoding: piece, as: UTF8.self)) }
            }
            return seconds
        }
        switch format {
        case .jsonLines, .csv:
            try Files.writeAtomically(to: path) { file in
                if format == .csv { try file.write("user,rank,item,score,title\n") }
                try texts(together: 32) { pieces, _ in
                    for piece in pieces { try piece.withUnsafeBytes { try file.write($0) } }
                }
            }
        case .mds:
            try Files.writeFolderAtomically(to: path) { aside in
                // Values below are in the order of the columns' names.
                let writer = try MDSWriter(
                    aside, columns: ["user": .string, "items": .json, "scores": .array(.float32)])
                try texts(together: 1) { pieces, block in
                    for (place, list) in block.lists.enumerated() {
                        try writer.write([
                            .json(String(decoding: pieces[place], as: UTF8.self)),
                            // An array has an element at least.
                            .array(MDSArray(list.scores.isEmpty ? [.nan] : list.scores)),
                            .string(recommender.users[block.users[block.users.startIndex + place]]),
                        ])
                    }
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
            try ListArrays.write(
                users: users, of: recommender.users, items: items, scores: scores, count: count,
                vocabulary: recommender.items, to: path)
        }
        return seconds
    }

    /// Lists that are made text of together.
    private static let blockSize = 8192

    private struct Block {
        var users: ArraySlice<UserRow>
        var lists: [RankedList]
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
