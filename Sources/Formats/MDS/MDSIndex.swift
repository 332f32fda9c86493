import Basics

/// The `index.json` of an MDS data set: what shards there are. It is written last, so that its presence marks a
/// complete data set.
///
/// Source: `streaming/base/format/base/{writer,reader}.py` of mosaicml-streaming 0.13, version 2 of the format.
public struct MDSIndex: Sendable, Hashable {
    /// The name of the file.
    public static let basename = "index.json"

    public let shards: [MDSShardInfo]

    public init(_ shards: [MDSShardInfo]) { self.shards = shards }

    /// Number of samples in all shards.
    public var samples: Int { shards.reduce(0) { $0 + $1.samples } }

    /// What the package writes for it, byte for byte.
    public func bytes() -> [UInt8] {
        Array(PythonText.json(["shards": .array(shards.map(\.json)), "version": 2]).utf8)
    }

    /// The columns, which are the same in all shards; none if there is no shard.
    /// - Parameter name: the file, for errors.
    /// - Throws: `badData` naming the first shard that has other columns than the first one, and the column.
    public func columns(name: String) throws -> [MDSColumn] {
        guard let first = shards.first else { return [] }
        let expected = Dictionary(first.columns.map { ($0.name, $0.encoding) }) { one, _ in one }
        for shard in shards.dropFirst() where shard.columns != first.columns {
            func failure(_ what: String) -> StarlingError {
                StarlingError(
                    .badData, what, at: .init(file: name, shard: shard.label),
                    remedy: "write the data set again with the same columns in every shard")
            }
            let found = Dictionary(shard.columns.map { ($0.name, $0.encoding) }) { one, _ in one }
            for column in first.columns {
                guard let encoding = found[column.name] else {
                    throw failure("column “\(column.name)” is missing, which shard \(first.label) has")
                }
                guard encoding == column.encoding else {
                    throw failure(
                        "column “\(column.name)” is \(encoding), and \(column.encoding) in shard \(first.label)")
                }
            }
            if let column = shard.columns.first(where: { expected[$0.name] == nil }) {
                throw failure("column “\(column.name)” is not in shard \(first.label)")
            }
        }
        return first.columns
    }
}
