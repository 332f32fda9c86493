import Basics

/// The vectors of rows that a part of a batch uses of each table, on their way from the shards that have them.
struct FetchedRows<Own: TableShard> {
    private let tables: [ShardedTable<Own>]
    private let rows: [[UInt32]]
    private let requests: ShardRequests<Own>?
    private let floats: [Float]

    /// - Parameter rows: of each table, rising; all ranks make it at the same time.
    /// - Complexity: sends as ``ShardRequests`` does, and what other ranks ask of this one's shards.
    init(_ rows: [[UInt32]], of tables: [ShardedTable<Own>], _ ranks: any Communicator) throws {
        (self.tables, self.rows) = (tables, rows)
        guard ranks.size > 1 else {
            (requests, floats) = (nil, [])
            return
        }
        let requests = try ShardRequests(tables, rows, changes: false, ranks)
        let count = requests.askingFloats.reduce(0, +)
        let answers = [Float](unsafeUninitializedCapacity: count) { answers, filled in
            for asking in requests.asking.joined() {
                let (vectors, columns) = (asking.shard.vectors, asking.cut.columns.count)
                for (index, row) in asking.rows.enumerated() {
                    (answers.baseAddress! + asking.first + index * columns)
                        .update(from: vectors.base + Int(row) * vectors.stride, count: columns)
                }
            }
            filled = count
        }
        self.requests = requests
        floats = try ranks.allToAll(answers, counts: requests.askingFloats, received: requests.askedFloats)
    }

    /// Puts the rows of a table behind one another.
    func copy(table index: Int, to target: ShardRows) {
        floats.withUnsafeBufferPointer { floats in
            for asked in requests?.asked.joined().filter({ $0.table == index }) ?? [] {
                let width = asked.cut.columns.count
                for (number, place) in asked.places.enumerated() {
                    (target.base + place * target.stride + asked.cut.columns.lowerBound)
                        .update(from: floats.baseAddress! + asked.first + number * width, count: width)
                }
            }
        }
        tables[index].forEachShard(rows[index]) { shard, cut, places in
            let vectors = shard.vectors
            for place in places {
                let row = Int(rows[index][place]) - cut.rows.lowerBound
                (target.base + place * target.stride + cut.columns.lowerBound)
                    .update(from: vectors.base + row * vectors.stride, count: cut.columns.count)
            }
        }
    }
}

/// Gradients of rows, on their way to the shards that have them.
struct RowGradients<Own: TableShard> {
    private let requests: ShardRequests<Own>
    private let ranks: any Communicator
    private var floats: [Float]

    /// - Parameter rows: of each table, rising; all ranks make it at the same time.
    init(of rows: [[UInt32]], _ tables: [ShardedTable<Own>], _ ranks: any Communicator) throws {
        self.ranks = ranks
        requests = try ShardRequests(tables, rows, changes: true, ranks)
        floats = [Float](repeating: 0, count: requests.askedFloats.reduce(0, +))
    }

    /// - Parameter sums: of all of a table's rows, behind one another.
    mutating func add(table: Int, _ sums: ShardRows) {
        floats.withUnsafeMutableBufferPointer { floats in
            for asked in requests.asked.joined() where asked.table == table {
                let width = asked.cut.columns.count
                for (index, place) in asked.places.enumerated() {
                    (floats.baseAddress! + asked.first + index * width)
                        .update(from: sums.base + place * sums.stride + asked.cut.columns.lowerBound, count: width)
                }
            }
        }
    }

    /// Calls `body` for each of this rank's shards with the rows that ranks have gradients of, in the order of ranks, and the
    /// gradients behind one another.
    ///
    /// - Complexity: sends the gradients of other ranks' shards, and those of replicas to every rank.
    func send(_ body: (Own, _ rows: [UInt32], _ gradients: [Float]) throws -> Void) throws {
        let received = try ranks.allToAll(
            floats, counts: requests.askedFloats, received: requests.askingFloats)
        for index in requests.asking[0].indices {
            let parts = requests.asking.map { $0[index] }
            let rows = parts.flatMap(\.rows)
            guard !rows.isEmpty else { continue }
            let width = parts[0].cut.columns.count
            try body(
                parts[0].shard, rows, parts.flatMap { received[$0.first..<$0.first + $0.rows.count * width] })
        }
    }
}
