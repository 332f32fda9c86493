import Formats

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

    public var count: Int {
        switch self {
        case .integers(let values): values.count
        case .numbers(let values): values.count
        case .texts(let values): values.count
        case .blobs(let values): values.count
        }
    }

    /// Reads a column's values, `values` of them, part after part.
    init(_ values: Kind.Values, ofColumn column: Int, _ parts: [BatchPart]) throws {
        self =
            switch values {
            case .integers:
                .integers(
                    try parts.numbers(ofColumn: column, StridedCells.gather) {
                        if case .integers(let values) = $0 { values } else { nil }
                    })
            case .numbers:
                .numbers(
                    try parts.numbers(ofColumn: column, StridedCells.gather) {
                        if case .numbers(let values) = $0 { values } else { nil }
                    })
            case .texts:
                .texts(
                    try parts.values(ofColumn: column, "") { if case .texts(let values) = $0 { values } else { nil } })
            case .blobs:
                .blobs(
                    try parts.values(ofColumn: column, []) { if case .blobs(let values) = $0 { values } else { nil } })
            }
    }
}

/// ``StridedCells/gather(_:_:_:into:)`` of a type of numbers.
private typealias Gather<Number> =
    ([StridedCells], [UInt8], [UInt32], UnsafeMutableBufferPointer<Number>) -> Bool

/// Samples of a batch that are of one group of shards.
struct BatchPart {
    let shards: [any OpenShard]
    let rows: ShardRows

    /// Calls `body` with the index of each sample and its value.
    fileprivate func forEach<Value>(
        ofColumn column: Int, _ take: (StreamColumn) -> [Value]?, _ body: (Int, Value) -> Void
    ) throws {
        try rows.forEachShard { member, rows, indices in
            guard let values = take(try shards[member].values(ofColumn: column, rows[...])) else {
                preconditionFailure("values of another kind")
            }
            for (index, value) in zip(indices, values) { body(index, value) }
        }
    }

    /// Fills `target`, straight from where the cells lie if they all lie at equal distances.
    fileprivate func copy<Number>(
        ofColumn column: Int, into target: UnsafeMutableBufferPointer<Number>, _ gather: Gather<Number>,
        _ take: (StreamColumn) -> [Number]?
    ) throws {
        let cells = shards.compactMap { $0.cells(ofColumn: column) }
        let isCopied =
            cells.count == shards.count
            && withExtendedLifetime(shards) {
                for stretch in rows.ahead {
                    let first = Int(stretch.row)
                    cells[Int(stretch.member)].prefetch(first..<first + ShardOrder.stretch)
                }
                return gather(cells, rows.members, rows.rows, target)
            }
        if !isCopied { try forEach(ofColumn: column, take) { target[$0] = $1 } }
    }
}

extension [BatchPart] {
    fileprivate var samples: Int { reduce(0) { $0 + $1.rows.count } }

    fileprivate func numbers<Number: BitwiseCopyable>(
        ofColumn column: Int, _ gather: Gather<Number>, _ take: (StreamColumn) -> [Number]?
    ) throws -> [Number] {
        try [Number](unsafeUninitializedCapacity: samples) { target, filled in
            for part in self {
                let own = UnsafeMutableBufferPointer(rebasing: target[filled..<filled + part.rows.count])
                try part.copy(ofColumn: column, into: own, gather, take)
                filled += own.count
            }
        }
    }

    fileprivate func values<Value>(
        ofColumn column: Int, _ empty: Value, _ take: (StreamColumn) -> [Value]?
    ) throws -> [Value] {
        var (values, offset) = ([Value](repeating: empty, count: samples), 0)
        for part in self {
            try part.forEach(ofColumn: column, take) { values[offset + $0] = $1 }
            offset += part.rows.count
        }
        return values
    }
}
