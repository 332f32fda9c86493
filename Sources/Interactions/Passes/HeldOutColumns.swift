/// The held-out parts of a random split under construction: each slice writes at places of its own.
struct HeldOutColumns {
    private var validation, test: LogColumns?
    private let parts: RandomParts?

    init(_ parts: RandomParts?, _ indexed: IndexedSource) {
        self.parts = parts
        func columns(_ part: LogPart) -> LogColumns? {
            guard let parts, parts.wanted.contains(part) else { return nil }
            return LogColumns(capacity: parts.total(part), hasValues: indexed.hasValues, hasTimes: indexed.hasTimes)
        }
        (validation, test) = (columns(.validation), columns(.test))
    }

    /// Where slices write, for the time of `body`.
    mutating func withTargets<Result>(_ body: ([Target]) throws -> Result) rethrows -> Result {
        let parts = parts
        func target(_ part: LogPart, _ columns: ColumnPointers?) -> Target? {
            columns.map { columns in
                Target(
                    part: part, columns: columns,
                    starts: parts!.counts.reduce(into: [0]) { $0.append($0.last! + $1[Int(part.rawValue)]) })
            }
        }
        return try validation.withPointers { validation in
            try test.withPointers { test in
                try body([target(.validation, validation), target(.test, test)].compactMap(\.self))
            }
        }
    }

    /// A part of a split under construction.
    struct Target {
        let part: LogPart
        let columns: ColumnPointers
        /// Where each slice's interactions begin.
        let starts: [Int]

        func take(_ slice: PartedSlice, _ index: Int) {
            let (from, to) = (slice.columns, columns.advanced(by: starts[index]))
            var next = 0
            for place in 0..<slice.count where slice.parts[place] == part {
                to.users[next] = from.users[place]
                to.items[next] = from.items[place]
                if let values = to.values { values[next] = from.values![place] }
                if let times = to.times { times[next] = from.times![place] }
                next += 1
            }
        }
    }

    /// The parts' logs; nil where the rule makes none.
    func logs(
        _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>
    ) -> (validation: InteractionLog?, test: InteractionLog?) {
        func log(_ columns: LogColumns?) -> InteractionLog? {
            columns.map {
                InteractionLog(
                    users: users, items: items, userRows: $0.users, itemRows: $0.items, values: $0.values,
                    times: $0.times)
            }
        }
        return (log(validation), log(test))
    }
}

extension LogColumns? {
    fileprivate mutating func withPointers<Result>(_ body: (ColumnPointers?) throws -> Result) rethrows -> Result {
        guard self != nil else { return try body(nil) }
        return try self!.withPointers { try body($0) }
    }
}
