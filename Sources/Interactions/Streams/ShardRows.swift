/// Samples of shards that are open together: the i-th is `rows[i]` of shard `members[i]` of the group.
struct ShardRows {
    let members: [UInt8]
    let rows: [UInt32]
    /// What a batch soon reads.
    var ahead: [Stretch] = []

    /// Samples behind one another, as many as ``ShardOrder/stretch``: the first of them.
    struct Stretch {
        let member: UInt8
        let row: UInt32
    }

    var count: Int { rows.count }

    /// Rows behind one another of the one shard there is.
    init(_ range: Range<Int>) {
        members = [UInt8](repeating: 0, count: range.count)
        rows = range.map { UInt32($0) }
    }

    init(count: Int, _ fill: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt32>) -> Void) {
        var members: [UInt8] = []
        rows = [UInt32](unsafeUninitializedCapacity: count) { rows, filled in
            members = [UInt8](unsafeUninitializedCapacity: count) { members, filled in
                if count > 0 { fill(members.baseAddress!, rows.baseAddress!) }
                filled = count
            }
            filled = count
        }
        self.members = members
    }

    /// Calls `body` for every shard that has samples here, with their rows and their indices, in order.
    func forEachShard(_ body: (_ member: Int, _ rows: [UInt32], _ indices: [Int]) throws -> Void) rethrows {
        for member in 0...(members.max() ?? 0) {
            let indices = members.indices.filter { members[$0] == member }
            if !indices.isEmpty { try body(Int(member), indices.map { rows[$0] }, indices) }
        }
    }
}
