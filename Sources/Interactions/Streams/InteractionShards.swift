import Basics
import Formats

/// Shards whose samples are interactions, and which columns hold what.
public struct InteractionShards: Sendable {
    public let source: any ShardSource
    public let user, item: String
    /// Of ratings or counts; nil where there are none.
    public let value: String?

    /// - Parameter columns: nil goes by the names, as ``InteractionReader`` does.
    /// - Throws: `usage` if `columns` names one that is not there; `badData` if the names do not say which is which, or a
    ///   column cannot be what it should.
    public init(_ source: any ShardSource, columns: ColumnMapping? = nil) throws {
        self.source = source
        let names = try NamedColumns(
            source.columns.map(\.name), columns,
            of: .init(
                path: source.name, noun: "column", whole: "data set", remedy: "write columns “user” and “item”"))
        (user, item, value) = (names.user, names.item, names.value)
        for (name, role, fits) in [
            (Optional(user), "ids", [StreamColumn.Kind.Values.integers, .texts]),
            (Optional(item), "ids", [.integers, .texts]), (value, "numbers", [.integers, .numbers]),
        ] {
            guard let kind = source.columns.first(where: { $0.name == name })?.values, !fits.contains(kind) else {
                continue
            }
            throw StarlingError(
                .badData, "column “\(name ?? "")” holds no \(role)", at: .init(file: source.name),
                remedy: "name another one with --columns")
        }
    }

    /// The shards of a folder or glob: of a Mosaic streaming data set, or NumPy files.
    ///
    /// - Throws: `usage` for a source that is no shards.
    public init(at path: String, columns: ColumnMapping? = nil) throws {
        switch try SourceLocator.locate(path) {
        case .shards(let folder): try self.init(MDSShardSource(folder), columns: columns)
        case .files(let files):
            guard files.allSatisfy({ $0.hasSuffix(".npz") || $0.hasSuffix(".npy") }) else {
                throw StarlingError(
                    .usage, "text cannot be streamed", at: .init(file: files[0]),
                    remedy: "make shards of it: starling data convert --data … --to shards --form mds")
            }
            try self.init(ArrayShardSource(files), columns: columns)
        case .stream:
            throw StarlingError(
                .usage, "a stream that is read once cannot be streamed again and again", at: .init(file: path),
                remedy: "leave --stream out")
        }
    }

    /// What the columns of a batch hold, as rows of vocabularies.
    ///
    /// - Throws: `badData` for an id that they lack: the shards have changed since they were read.
    public func interactions(
        of batch: StreamBatch, _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>
    ) throws -> (users: [UInt32], items: [UInt32], values: [Float]?) {
        let values: [Float]? =
            switch value.flatMap({ batch.columns[$0] }) {
            case .integers(let values): values.map { Float($0) }
            case .numbers(let values): values
            default: nil
            }
        return (try rows(batch, user, in: users), try rows(batch, item, in: items), values)
    }

    private func rows<Row>(_ batch: StreamBatch, _ column: String, in vocabulary: Vocabulary<Row>) throws -> [UInt32] {
        func row(_ found: Row?, _ id: @autoclosure () -> String) throws -> UInt32 {
            guard let found else {
                throw StarlingError(
                    .badData, "column “\(column)” holds “\(id())”, which was not there when training began",
                    at: .init(file: source.name), remedy: "leave the shards as they are while a run trains on them")
            }
            return UInt32(found.index)
        }
        return switch batch.columns[column] {
        case .integers(let ids): try ids.map { try row(vocabulary.row(of: $0), String($0)) }
        case .texts(let ids): try ids.map { try row(vocabulary.row(of: $0), $0) }
        default: preconditionFailure("a column of ids")
        }
    }
}
