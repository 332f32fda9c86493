import Basics
import Kernels

extension ShardedEmbeddings {
    /// The vectors of rows that other ranks have, on their way into tables of the rows that a part of a batch uses.
    struct Fetched {
        fileprivate let requests: ShardRequests
        fileprivate let floats: [Float]

        /// Puts what was fetched of a table into `rows`, `[touched rows × width]`.
        func copy(table: Int, to rows: borrowing FactorTable) {
            floats.withUnsafeBufferPointer { floats in
                for asked in requests.asked.joined() where asked.table == table {
                    let width = asked.cut.columns.count
                    for (index, place) in asked.places.enumerated() {
                        (rows.base + place * rows.stride + asked.cut.columns.lowerBound)
                            .update(from: floats.baseAddress! + asked.first + index * width, count: width)
                    }
                }
            }
        }
    }

    /// Gets the rows of each table, rising, of which this rank has no shard.
    ///
    /// - Complexity: sends as ``ShardRequests`` does, and what other ranks ask of this one's shards.
    func fetch(_ rows: [[UInt32]]) throws -> Fetched {
        let requests = try ShardRequests(tables, rows, changes: false, ranks)
        let count = requests.askingFloats.reduce(0, +)
        let answers = [Float](unsafeUninitializedCapacity: count) { answers, filled in
            for asking in requests.asking.joined() {
                let table = (base: asking.shard.table.base, stride: asking.shard.table.stride)
                let width = asking.shard.table.width
                for (index, row) in asking.rows.enumerated() {
                    (answers.baseAddress! + asking.first + index * width)
                        .update(from: table.base + Int(row) * table.stride, count: width)
                }
            }
            filled = count
        }
        return Fetched(
            requests: requests,
            floats: try ranks.allToAll(answers, counts: requests.askingFloats, received: requests.askedFloats))
    }

    /// Gradients of rows, on their way to the shards that have them.
    final class Changes {
        private let requests: ShardRequests
        private let embeddings: ShardedEmbeddings
        private var floats: [Float]

        /// - Parameter rows: of each table, rising.
        init(of embeddings: ShardedEmbeddings, _ rows: [[UInt32]]) throws {
            self.embeddings = embeddings
            requests = try ShardRequests(embeddings.tables, rows, changes: true, embeddings.ranks)
            floats = [Float](repeating: 0, count: requests.askedFloats.reduce(0, +))
        }

        /// - Parameter sums: `[rows × width]`, of all of a table's.
        func add(table: Int, _ sums: borrowing FactorTable) {
            let (base, stride) = (sums.base, sums.stride)
            floats.withUnsafeMutableBufferPointer { floats in
                for asked in requests.asked.joined() where asked.table == table {
                    let width = asked.cut.columns.count
                    for (index, place) in asked.places.enumerated() {
                        (floats.baseAddress! + asked.first + index * width)
                            .update(from: base + place * stride + asked.cut.columns.lowerBound, count: width)
                    }
                }
            }
        }

        /// Adds up what the ranks have for each row of this rank's shards, in their order, and changes the row once.
        ///
        /// - Complexity: sends the gradients of other ranks' shards, and those of replicas to every rank.
        func apply() throws {
            let received = try embeddings.ranks.allToAll(
                floats, counts: requests.askedFloats, received: requests.askingFloats)
            for index in requests.asking[0].indices {
                let parts = requests.asking.map { $0[index] }
                let shard = parts[0].shard
                let rows = parts.flatMap(\.rows)
                guard !rows.isEmpty else { continue }
                let width = shard.table.width
                let gradients = parts.flatMap { received[$0.first..<$0.first + $0.rows.count * width] }
                try shard.update(
                    TouchedRows(
                        FeatureBags("", tableRows: shard.table.rows, rows: rows), rows.indices.map { UInt32($0) }),
                    gradients, width, on: embeddings.library)
            }
        }
    }
}
