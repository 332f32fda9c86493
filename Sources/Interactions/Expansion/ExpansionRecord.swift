package import Basics

/// What a folder of an expansion says of itself: from what it is made, so that nobody goes on with it from something else, and
/// when it is whole, what came of it.
package struct ExpansionRecord: Codable, Sendable, Equatable {
    /// The file while shards are being written: its name keeps readers of folders away.
    package static let unfinishedName = "expansion.json"
    /// The file of a finished expansion, which readers pass over.
    package static let finishedName = ".expansion.json"

    /// Of the form of this file.
    package var format = 1
    /// The fingerprint of the source, repeated pairs merged.
    package let source: String
    /// `16x32`.
    package let by: String
    /// Nil where rates are those of the factor.
    package let interactions: Int?
    package let shuffle: String
    package let seed: UInt64
    package let form: String
    package let ratings: Bool
    package let sizeLimit: Int
    /// Keep rates may differ in the last bit from one to another.
    package let instructionSet: String
    /// What the command has printed; nil while it is not finished.
    package var result: JSONValue?

    package init(
        source: String, by: String, interactions: Int?, shuffle: String, seed: UInt64, form: String, ratings: Bool,
        sizeLimit: Int, instructionSet: String
    ) {
        (self.source, self.by, self.interactions, self.shuffle, self.seed) = (source, by, interactions, shuffle, seed)
        (self.form, self.ratings, self.sizeLimit, self.instructionSet) = (form, ratings, sizeLimit, instructionSet)
    }

    private enum CodingKeys: String, CodingKey {
        case format, source, by, interactions, shuffle, seed, form, ratings, result
        case sizeLimit = "size_limit"
        case instructionSet = "instruction_set"
    }

    /// The record in a folder; nil where there is none.
    ///
    /// - Throws: `failed` for one that cannot be read.
    package static func read(in folder: String) throws -> ExpansionRecord? {
        for name in [finishedName, unfinishedName] where Files.exists(folder + "/" + name) {
            let path = folder + "/" + name
            return try JSON.decode(ExpansionRecord.self, from: Files.read(path), file: path)
        }
        return nil
    }

    /// Marks a folder as being written, or, with a result, as whole.
    package func write(in folder: String) throws {
        let bytes = try JSON.bytes(self, pretty: true)
        try Files.write(bytes, to: folder + "/" + (result == nil ? Self.unfinishedName : Self.finishedName))
        if result != nil { try Files.remove(folder + "/" + Self.unfinishedName) }
    }

    /// Sees to it that a folder was begun as this one asks.
    ///
    /// - Throws: `usage` naming the first thing that differs.
    package func requireSame(as begun: ExpansionRecord, in folder: String) throws {
        func text(_ number: Int?) -> String { number.map { "\($0)" } ?? "none" }
        let parts = [
            ("the data", begun.source, source), ("--by", begun.by, by),
            ("--interactions", text(begun.interactions), text(interactions)), ("--shuffle", begun.shuffle, shuffle),
            ("--seed", "\(begun.seed)", "\(seed)"), ("--form", begun.form, form),
            ("--ratings", "\(begun.ratings)", "\(ratings)"), ("--size-limit", "\(begun.sizeLimit)", "\(sizeLimit)"),
            ("STARLING_ISA", begun.instructionSet, instructionSet),
        ]
        guard let (name, old, new) = parts.first(where: { $0.1 != $0.2 }) else { return }
        throw StarlingError(
            .usage, "the expansion there was begun with other settings: \(name) was \(old) and is \(new)",
            at: .init(file: folder), remedy: "give the same, or another --output, or begin anew with --overwrite")
    }
}
