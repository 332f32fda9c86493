public import Basics

/// Samples in shards, all of the same columns: what a ``ShardStream`` reads.
public protocol ShardSource: Sendable {
    /// For messages.
    var name: String { get }
    var columns: [StreamColumn.Kind] { get }
    /// Samples of each shard.
    var counts: [Int] { get }

    /// Opens a shard: fetches, unpacks and checks it. Blocks; called from several threads, ahead of need.
    ///
    /// - Throws: `badData` that names shard and sample; `interrupted` when cancelled.
    func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard
}

/// A shard whose samples can be read.
public protocol OpenShard: Sendable {
    /// The values of a column, `columns[column]` of the source, of the samples `rows`, in their order; of the column's kind.
    func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) throws -> StreamColumn
}

/// Values of a column, one a sample.
public enum StreamColumn: Sendable, Equatable {
    case integers([Int64])
    case numbers([Float])
    case texts([String])
    case blobs([[UInt8]])

    /// A column's name, and what its values are.
    public struct Kind: Sendable, Equatable {
        public enum Values: Sendable { case integers, numbers, texts, blobs }
        public let name: String
        public let values: Values

        public init(_ name: String, _ values: Values) { (self.name, self.values) = (name, values) }
    }

    /// Zeros, or empty ones.
    init(_ values: Kind.Values, count: Int) {
        switch values {
        case .integers: self = .integers([Int64](repeating: 0, count: count))
        case .numbers: self = .numbers([Float](repeating: 0, count: count))
        case .texts: self = .texts([String](repeating: "", count: count))
        case .blobs: self = .blobs([[UInt8]](repeating: [], count: count))
        }
    }

    /// Puts the i-th of `values`, of the same kind, to the i-th of `places`, `offset` added.
    mutating func put(_ values: StreamColumn, at places: ArraySlice<UInt32>, plus offset: Int) {
        func put<Value>(_ values: [Value], into target: inout [Value]) {
            for (value, place) in zip(values, places) { target[offset + Int(place)] = value }
        }
        // The old array is let go of first, so that it is written in place.
        switch (self, values) {
        case (.integers(var own), .integers(let values)):
            self = .integers([])
            put(values, into: &own)
            self = .integers(own)
        case (.numbers(var own), .numbers(let values)):
            self = .numbers([])
            put(values, into: &own)
            self = .numbers(own)
        case (.texts(var own), .texts(let values)):
            self = .texts([])
            put(values, into: &own)
            self = .texts(own)
        case (.blobs(var own), .blobs(let values)):
            self = .blobs([])
            put(values, into: &own)
            self = .blobs(own)
        default: preconditionFailure("values of another kind")
        }
    }

    public var count: Int {
        switch self {
        case .integers(let values): values.count
        case .numbers(let values): values.count
        case .texts(let values): values.count
        case .blobs(let values): values.count
        }
    }
}
