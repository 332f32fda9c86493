import Basics

/// The vocabulary of all ranks: integers where all ranks' ids are integers, else texts.
struct JoinedIDs<Row: RowNumber> {
    /// Sorted, each once.
    let ids: Vocabulary<Row>.IDs
    /// Where each id of this rank is among them.
    let rows: [UInt32]

    /// - Parameter own: ids of this rank, each once; integers are sorted.
    /// - Complexity: sends this rank's ids to every other; O(ids of all ranks · log ranks).
    init(_ own: Vocabulary<Row>.IDs, of ranks: any Communicator) throws {
        switch own {
        case .integers(let integers):
            if try ranks.any(false) {
                var texts = PackedTexts()
                for integer in integers { texts.append(Array(String(integer).utf8)) }
                try self.init(texts, of: ranks)
            } else {
                try self.init(integers, of: ranks)
            }
        case .strings(let bytes, let offsets):
            _ = try ranks.any(true)
            try self.init(PackedTexts(bytes: bytes, offsets: offsets), of: ranks)
        }
    }

    private init(_ own: [Int64], of ranks: any Communicator) throws {
        var all = own
        try ranks.gather(&all)
        all.sort()
        var count = 0
        for index in all.indices where count == 0 || all[index] != all[count - 1] {
            all[count] = all[index]
            count += 1
        }
        all.removeLast(all.count - count)
        var row = 0
        rows = own.map { id in
            while all[row] < id { row += 1 }
            return UInt32(row)
        }
        ids = .integers(all)
    }

    private init(_ own: PackedTexts, of ranks: any Communicator) throws {
        var bytes = own.bytes
        try ranks.gather(&bytes)
        var lengths = zip(own.offsets, own.offsets.dropFirst()).map { UInt32($1 - $0) }
        let parts = try ranks.gather(&lengths)
        var all = PackedTexts(bytes: bytes)
        all.offsets.reserveCapacity(lengths.count + 1)
        for length in lengths { all.offsets.append(all.offsets.last! + Int(length)) }

        let order = all.sorted()
        var distinct: [Int] = []
        var rows = [UInt32](repeating: 0, count: own.count)
        let mine = parts[ranks.rank]
        for number in order {
            if distinct.isEmpty || !all.areEqual(distinct.last!, number) { distinct.append(number) }
            if mine.contains(number) { rows[number - mine.lowerBound] = UInt32(distinct.count - 1) }
        }
        self.rows = rows
        let union = all.taking(distinct)
        ids = .strings(bytes: union.bytes, offsets: union.offsets)
    }
}
