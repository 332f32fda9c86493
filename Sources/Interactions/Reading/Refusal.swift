import Basics

/// Why a row cannot be read.
package enum RefusalReason: String, Sendable, CaseIterable {
    case overlongLine = "overlong line"
    case embeddedNUL = "embedded NUL byte"
    case repeatedHeader = "the header again"
    case unterminatedQuote = "unterminated quote"
    case textAfterQuote = "text after a closing quote"
    case missingField = "missing field"
    case extraField = "too many fields"
    case truncatedLastLine = "truncated last line"
    case null = "null"
    case emptyID = "empty id"
    case invalidID = "id is not a whole number of 0 or more"
    case invalidUTF8 = "invalid UTF-8 in an id"
    case valueNotANumber = "value is not a number"
    case valueNotFinite = "value is not finite"
    case timeNotANumber = "time is not a number"
    case timeNotFinite = "time is not finite"
}

extension RefusalReason {
    /// What is wrong with the bytes of an id, and how a sentence about “the id” goes on; nil if nothing is.
    static func ofID(_ bytes: UnsafeBufferPointer<UInt8>) -> (RefusalReason, String)? {
        if bytes.isEmpty { return (.emptyID, "is empty") }
        if bytes.contains(0) { return (.embeddedNUL, "has a NUL in it") }
        return ChunkParser.isValid(bytes) ? nil : (.invalidUTF8, "is not valid UTF-8")
    }
}

/// One row that cannot be read.
package struct Refusal: Sendable {
    var reason: RefusalReason
    /// Line in the file, from 1.
    var line: Int
    /// Byte in the line, from 1.
    var column: Int
    /// The sentence for people.
    var what: String

    func error(file: String) -> StarlingError {
        let other: String
        switch reason {
        case .missingField, .extraField, .valueNotANumber, .timeNotANumber:
            other = ", or name --columns and --separator if the file's form was taken wrongly"
        default:
            other = ""
        }
        return StarlingError(
            .badData, what, at: .init(file: file, line: line, column: column),
            remedy: "correct the line, leave such rows out with --skip-bad-rows" + other)
    }
}

/// Refused rows, counted by reason, with the first of them.
struct RefusalTally: Sendable {
    static let kept = 5
    private(set) var counts: [RefusalReason: Int] = [:]
    private(set) var first: [(file: String, refusal: Refusal)] = []

    var total: Int { counts.values.reduce(0, +) }

    mutating func add(_ refusal: Refusal, file: String) {
        counts[refusal.reason, default: 0] += 1
        if first.count < Self.kept { first.append((file, refusal)) }
    }

    /// Adds the tally of the lines that follow.
    mutating func add(_ next: RefusalTally) {
        counts.merge(next.counts, uniquingKeysWith: +)
        first.append(contentsOf: next.first.prefix(Self.kept - first.count))
    }
}
