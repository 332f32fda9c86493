import Basics
import Formats

/// Turns the samples of a shard into rows of columns.
struct MDSParser {
    private let shard: MDSShard
    private let columns: MDSRoles
    private let output: ColumnPointers
    private var users: IDSink
    private var items: IDSink
    private var rows = 0
    private var tally = RefusalTally()

    init(_ shard: MDSShard, _ columns: MDSRoles, output: ColumnPointers, users: IDSink, items: IDSink) {
        (self.shard, self.columns, self.output) = (shard, columns, output)
        (self.users, self.items) = (users, items)
    }

    /// What was parsed so far.
    var chunk: ParsedChunk { ParsedChunk(rows: rows, tally: tally, users: users, items: items) }

    /// Whether an id came that is no small integer, while not interning.
    var hasMetText: Bool { users.hasMetText || items.hasMetText }

    /// Ids of some samples.
    private enum IDs {
        case integers([Int64])
        case unsigned([UInt64])
        case texts([UnsafeRawBufferPointer])
    }

    /// Parses samples of the shard.
    ///
    /// - Throws: the first sample that cannot be read as `badData`, unless such samples are skipped; `badData` for damaged ones.
    mutating func parse(_ samples: Range<Int>, skipsBadRows: Bool) throws {
        let (start, count) = (rows, samples.count)
        let userIDs = try ids(columns.names.user, columns.users, samples)
        let itemIDs = try ids(columns.names.item, columns.items, samples)
        // Values and times go to where they belong if no sample is refused.
        if let value = columns.names.value {
            try shard.gather(
                value, .range(samples), into: UnsafeMutableBufferPointer(start: output.values! + start, count: count))
        }
        var fractions: [Double]?
        if let time = columns.names.time {
            let target = UnsafeMutableBufferPointer(start: output.times! + start, count: count)
            switch columns.times {
            case .integers: try shard.gather(time, .range(samples), into: target)
            case .fractions: fractions = try shard.doubles(time, .range(samples))
            }
        }
        var index = 0
        while index < count {
            if fractions == nil { index = takePlain(userIDs, itemIDs, from: index, start) }
            guard index < count else { break }
            if let refusal = try take(userIDs, itemIDs, fractions, index, from: start) {
                try refuse(refusal, samples.lowerBound + index, skipsBadRows)
            }
            index += 1
        }
    }

    private func ids(_ column: String, _ kind: MDSRoles.IDs, _ samples: Range<Int>) throws -> IDs {
        switch kind {
        case .integers: .integers(try shard.int64s(column, .range(samples)))
        case .unsigned:
            .unsigned(
                try [UInt64](unsafeUninitializedCapacity: samples.count) { target, filled in
                    try shard.copyCells(
                        column, .range(samples),
                        into: UnsafeMutableRawBufferPointer(
                            UnsafeMutableBufferPointer(rebasing: target[..<samples.count])))
                    filled = samples.count
                })
        case .texts: .texts(try shard.cells(column, samples))
        }
    }

    /// Takes samples whose ids are small integers, as most are, up to the first of another kind.
    private mutating func takePlain(_ userIDs: IDs, _ itemIDs: IDs, from first: Int, _ start: Int) -> Int {
        guard case .integers(let own) = userIDs, case .integers(let other) = itemIDs, !users.isInterning,
            !items.isInterning
        else { return first }
        var (greatestUser, greatestItem) = (users.greatest, items.greatest)
        var (index, next) = (first, rows)
        own.withUnsafeBufferPointer { own in
            other.withUnsafeBufferPointer { other in
                while index < own.count {
                    let (user, item) = (UInt64(bitPattern: own[index]), UInt64(bitPattern: other[index]))
                    guard user < UInt64(UInt32.max), item < UInt64(UInt32.max) else { return }
                    if let values = output.values {
                        let value = values[start + index]
                        guard value.isFinite else { return }
                        values[next] = value
                    }
                    if let times = output.times { times[next] = times[start + index] }
                    let pair = (UInt32(truncatingIfNeeded: user), UInt32(truncatingIfNeeded: item))
                    (output.users[next], output.items[next]) = pair
                    (greatestUser, greatestItem) = (max(greatestUser, pair.0), max(greatestItem, pair.1))
                    index += 1
                    next += 1
                }
            }
        }
        (users.greatest, items.greatest, rows) = (greatestUser, greatestItem, next)
        return index
    }

    private typealias Flaw = (reason: RefusalReason, what: String)

    /// Takes one sample, or says why not.
    private mutating func take(
        _ userIDs: IDs, _ itemIDs: IDs, _ fractions: [Double]?, _ index: Int, from start: Int
    ) throws -> Flaw? {
        if let flaw = flaw(userIDs, index, columns.names.user) ?? flaw(itemIDs, index, columns.names.item) {
            return flaw
        }
        if let values = output.values {
            let value = values[start + index]
            guard value.isFinite else {
                return (.valueNotFinite, "column “\(columns.names.value!)”: \(value) is not a finite number")
            }
            values[rows] = value
        }
        if let fractions {
            // Fractions are cut off, as in text.
            guard let time = Int64(exactly: fractions[index].rounded(.towardZero)) else {
                return (
                    .timeNotFinite,
                    "column “\(columns.names.time!)”: \(fractions[index]) is not a finite number within range"
                )
            }
            output.times![rows] = time
        } else if let times = output.times {
            times[rows] = times[start + index]
        }
        output.users[rows] = Self.take(userIDs, index, &users)
        output.items[rows] = Self.take(itemIDs, index, &items)
        rows += 1
        return nil
    }

    private static func take(_ ids: IDs, _ index: Int, _ sink: inout IDSink) -> UInt32 {
        switch ids {
        case .integers(let numbers): sink.take(integer: numbers[index])
        case .unsigned(let numbers): sink.take(decimal: UInt64(littleEndian: numbers[index]))
        case .texts(let cells): sink.take(cells[index].assumingMemoryBound(to: UInt8.self))
        }
    }

    private func flaw(_ ids: IDs, _ index: Int, _ column: String) -> Flaw? {
        guard case .texts(let cells) = ids else { return nil }
        return RefusalReason.ofID(cells[index].assumingMemoryBound(to: UInt8.self)).map {
            ($0, "column “\(column)”: the id \($1)")
        }
    }

    private mutating func refuse(_ flaw: Flaw, _ sample: Int, _ skipsBadRows: Bool) throws {
        guard skipsBadRows else {
            throw StarlingError(
                .badData, flaw.what, at: .init(file: shard.path, shard: shard.info.label, sample: sample),
                remedy: "correct the data set, or leave such samples out with --skip-bad-rows")
        }
        tally.add(
            Refusal(reason: flaw.reason, line: sample + 1, column: 1, what: "sample \(sample), \(flaw.what)"),
            file: shard.path)
    }
}

extension IDSink {
    /// What to write in the column for a whole number.
    mutating func take(integer number: Int64) -> UInt32 {
        if number >= 0 { return take(decimal: UInt64(number)) }
        var text = String(number)
        return text.withUTF8 { take($0) }
    }
}
