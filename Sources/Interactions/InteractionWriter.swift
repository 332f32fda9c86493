public import Basics
public import Kernels

/// Writes logs as delimited text that the reader takes back unchanged.
public enum InteractionWriter {
    /// What stands between the fields of a line.
    public enum Separator: UInt8, Sendable {
        case comma = 0x2C
        case tab = 0x09
    }

    /// Called now and then on the calling thread.
    public typealias Progress = (_ interactionsDone: Int, _ interactionsTotal: Int) -> Void

    /// Interactions formatted in one go by one thread.
    private static let blockSize = 1 << 16

    /// Writes a header and one line an interaction, in log order. The file appears whole or not at all.
    ///
    /// Columns: `user,item`, then `rating` if the log has values, then `timestamp` if it has times. Values are
    /// the shortest decimals that read back to the same float; ids that hold the separator, quotes or outer blanks are
    /// quoted as RFC 4180 says.
    ///
    /// - Throws: `badData` for an id with a line end, which no reader of lines takes back.
    public static func write(
        _ log: InteractionLog, to path: String, separator: Separator = .comma, workers: Workers = Workers(),
        cancellation: Cancellation? = nil, progress: Progress? = nil
    ) throws {
        let separator = separator.rawValue
        let users = try QuotedIDs(log.users.ids, separator)
        let items = try QuotedIDs(log.items.ids, separator)
        try Files.writeAtomically(to: path) { file in
            let names =
                ["user", "item"] + (log.values == nil ? [] : ["rating"]) + (log.times == nil ? [] : ["timestamp"])
            try file.write(names.joined(separator: String(UnicodeScalar(separator))) + "\n")
            let blocks = (log.count + blockSize - 1) / blockSize
            // A few blocks a thread are in memory at once.
            let round = workers.count * 4
            for first in stride(from: 0, to: blocks, by: round) {
                if cancellation?.isCancelled == true {
                    throw StarlingError(.interrupted, "stopped while writing \(path)")
                }
                let count = min(round, blocks - first)
                var texts = [[UInt8]](repeating: [], count: count)
                texts.withUnsafeMutableBufferPointer { texts in
                    workers.forEach(count) { offset, _ in
                        let start = (first + offset) * blockSize
                        texts[offset] = text(log, start..<min(start + blockSize, log.count), separator, users, items)
                    }
                }
                for text in texts { try text.withUnsafeBytes { try file.write($0) } }
                progress?(min(log.count, (first + count) * blockSize), log.count)
            }
        }
    }

    private static func text(
        _ log: InteractionLog, _ range: Range<Int>, _ separator: UInt8, _ users: borrowing QuotedIDs,
        _ items: borrowing QuotedIDs
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(range.count * 32)
        for index in range {
            text.append(contentsOf: users[log.userRows[index]])
            text.append(separator)
            text.append(contentsOf: items[log.itemRows[index]])
            if let values = log.values {
                text.append(separator)
                text.append(decimal: values[index])
            }
            if let times = log.times {
                text.append(separator)
                text.append(decimal: times[index])
            }
            text.append(newline)
        }
        return text
    }
}

private let newline = UInt8(ascii: "\n")
private let quote = UInt8(ascii: "\"")

/// Every id of a vocabulary as it stands in a file, back to back.
private struct QuotedIDs: Sendable {
    private var bytes: [UInt8] = []
    private var offsets = [0]

    init<Row>(_ ids: Vocabulary<Row>.IDs, _ separator: UInt8) throws {
        offsets.reserveCapacity(ids.count + 1)
        switch ids {
        case .integers(let integers):
            for integer in integers {
                bytes.append(decimal: integer)
                offsets.append(bytes.count)
            }
        case .strings(let texts, let ends):
            for index in 0..<ids.count {
                let id = texts[ends[index]..<ends[index + 1]]
                guard !id.contains(newline), !id.contains(UInt8(ascii: "\r")) else {
                    throw StarlingError(
                        .badData, "the \(Row.noun) “\(ids[index])” has a line end in its id",
                        remedy: "choose ids of one line")
                }
                append(quoting: id, separator)
                offsets.append(bytes.count)
            }
        }
    }

    subscript(_ row: UInt32) -> ArraySlice<UInt8> { bytes[offsets[Int(row)]..<offsets[Int(row) + 1]] }

    private mutating func append(quoting id: ArraySlice<UInt8>, _ separator: UInt8) {
        let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        guard
            id.contains(where: { $0 == separator || $0 == quote }) || blanks.contains(id.first ?? 0)
                || blanks.contains(id.last ?? 0)
        else {
            bytes.append(contentsOf: id)
            return
        }
        bytes.append(quote)
        for byte in id {
            if byte == quote { bytes.append(quote) }
            bytes.append(byte)
        }
        bytes.append(quote)
    }
}

extension [UInt8] {
    fileprivate mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var (rest, first) = (number.magnitude, 20)
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            append(contentsOf: digits[first...])
        }
    }

    /// The shortest decimal that reads back to the same float. Halves, which is what ratings are, without the detour
    /// over a string.
    fileprivate mutating func append(decimal number: Float) {
        let doubled = number * 2
        guard doubled.magnitude < 0x1p20, doubled == doubled.rounded(), number.sign == .plus else {
            append(contentsOf: number.description.utf8)
            return
        }
        append(decimal: Int64(doubled) / 2)
        append(UInt8(ascii: "."))
        append(UInt8(ascii: doubled.truncatingRemainder(dividingBy: 2) == 0 ? "0" : "5"))
    }
}
