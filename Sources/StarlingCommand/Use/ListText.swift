import Starling

/// Lists for very many users as text. What an item adds to a line is put together once, lines are made by all workers.
final class ListText {
    enum Form {
        /// As ``JSON`` would encode the user and ``Recommender/Item``s.
        case jsonLines
        case csv
        /// The ids alone, as Python writes a list of strings; no line end.
        case idList
    }

    private let form: Form
    private let recommender: Recommender
    /// What stands before and behind an item's score: `bytes[places[item].start..<middle]` and `middle..<end`.
    private var bytes: [UInt8] = []
    private var places: [(start: Int, middle: Int, end: Int)]

    init(_ form: Form, _ recommender: Recommender) {
        (self.form, self.recommender) = (form, recommender)
        places = [(start: Int, middle: Int, end: Int)](repeating: (-1, -1, -1), count: recommender.items.count)
    }

    /// The text of each list, in pieces of some lists (`together`), or of one each.
    ///
    /// - Throws: `failed` for a score that is infinite.
    func pieces(
        of lists: [RankedList], for users: ArraySlice<UserRow>, together size: Int, _ workers: Workers
    ) throws -> [[UInt8]] {
        for list in lists {
            for (item, score) in zip(list.items, list.scores) {
                if places[item.index].start < 0 { try add(item) }
                guard score.isFinite else {
                    throw StarlingError(
                        .failed, "the score of item \(recommender.items[item]) is \(score)",
                        remedy: "the model is spoilt: train it again with a smaller step")
                }
            }
        }
        let count = (lists.count + size - 1) / size
        var pieces = [[UInt8]](repeating: [], count: count)
        pieces.withUnsafeMutableBufferPointer { pieces in
            bytes.withUnsafeBufferPointer { bytes in
                places.withUnsafeBufferPointer { places in
                    let parts = (count + 15) / 16
                    workers.forEach(parts) { part, _ in
                        for piece in part * 16..<min(count, (part + 1) * 16) {
                            var text: [UInt8] = []
                            for place in piece * size..<min(lists.count, (piece + 1) * size) {
                                append(
                                    lists[place], recommender.users[users[users.startIndex + place]], bytes, places,
                                    to: &text)
                            }
                            pieces[piece] = text
                        }
                    }
                }
            }
        }
        return pieces
    }

    private func append(
        _ list: RankedList, _ user: String, _ bytes: UnsafeBufferPointer<UInt8>,
        _ places: UnsafeBufferPointer<(start: Int, middle: Int, end: Int)>, to text: inout [UInt8]
    ) {
        let field = form == .csv ? Array(CSV.field(user).utf8) : []
        switch form {
        case .jsonLines: text += "{\"items\":[".utf8
        case .csv: break
        case .idList: text.append(UInt8(ascii: "["))
        }
        for (rank, item) in list.items.enumerated() {
            let (start, middle, end) = places[item.index]
            switch form {
            case .jsonLines:
                if rank > 0 { text.append(UInt8(ascii: ",")) }
            case .csv:
                text += field
                text.append(UInt8(ascii: ","))
                text += String(rank + 1).utf8
                text.append(UInt8(ascii: ","))
            case .idList:
                if rank > 0 { text += ", ".utf8 }
            }
            text += UnsafeBufferPointer(rebasing: bytes[start..<middle])
            if form != .idList {
                var score = list.scores[rank].description
                score.withUTF8 { score in
                    let isWhole =
                        form == .jsonLines && score.count > 2 && score[score.count - 1] == UInt8(ascii: "0")
                        && score[score.count - 2] == UInt8(ascii: ".")
                    text += UnsafeBufferPointer(rebasing: isWhole ? score.dropLast(2) : score[...])
                }
            }
            text += UnsafeBufferPointer(rebasing: bytes[middle..<end])
        }
        switch form {
        case .jsonLines:
            text += "],\"user\":".utf8
            text += Self.quoted(user)
            text += "}\n".utf8
        case .csv: break
        case .idList: text.append(UInt8(ascii: "]"))
        }
    }

    private func add(_ item: ItemRow) throws {
        let id = recommender.items[item]
        let title = recommender.catalog?[id]?.title
        let start = bytes.count
        switch form {
        case .jsonLines: bytes += "{\"item\":".utf8 + Self.quoted(id) + ",\"score\":".utf8
        case .csv: bytes += (CSV.field(id) + ",").utf8
        case .idList: if case .json(let text) = MDSValue.json(.string(id)) { bytes += text.utf8 }
        }
        let middle = bytes.count
        switch form {
        case .jsonLines: bytes += (title.map { ",\"title\":".utf8 + Self.quoted($0) } ?? []) + "}".utf8
        case .csv: bytes += ("," + CSV.field(title ?? "") + "\n").utf8
        case .idList: break
        }
        places[item.index] = (start, middle, bytes.count)
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> [UInt8] {
        let isPlain = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if !isPlain, let bytes = try? JSON.bytes(text) { return bytes }
        return [UInt8(ascii: "\"")] + text.utf8 + [UInt8(ascii: "\"")]
    }
}
