/// Each user's items in the order of time, earliest first: `[users × their interactions]`. What was had twice stands twice.
public struct InteractionSequences: Sendable, Equatable {
    /// Where each user's items begin, and behind them the end: `[users + 1]`.
    public let offsets: [Int]
    /// Item rows, `[interactions]`.
    public let items: [UInt32]

    /// - Precondition: offsets rise from 0 to the number of items.
    public init(offsets: [Int], items: [UInt32]) {
        precondition(offsets.first == 0 && offsets.last == items.count)
        (self.offsets, self.items) = (offsets, items)
    }

    /// - Precondition: no user has more than 2³² interactions.
    public init(_ sequences: [[UInt32]]) {
        var offsets = [0]
        for sequence in sequences { offsets.append(offsets.last! + sequence.count) }
        self.init(offsets: offsets, items: Array(sequences.joined()))
    }

    /// A log's users. Equal times stay in the log's order, and so does everything where the log has no times.
    ///
    /// - Complexity: O(interactions), and what sorting takes where a user's are not in order.
    public init(_ log: InteractionLog) {
        let (offsets, places) = log.interactionsByUser()
        var ordered = places
        if let times = log.times {
            for user in 0..<log.users.count {
                let own = offsets[user]..<offsets[user + 1]
                let isOrdered = zip(own, own.dropFirst()).allSatisfy {
                    times[Int(ordered[$0])] <= times[Int(ordered[$1])]
                }
                // Places stand in the log's order, which decides between equal times.
                if !isOrdered { ordered[own].sort { (times[Int($0)], $0) < (times[Int($1)], $1) } }
            }
        }
        self.init(offsets: offsets, items: ordered.map { log.itemRows[Int($0)] })
    }

    public var userCount: Int { offsets.count - 1 }

    public subscript(user: UserRow) -> ArraySlice<UInt32> { items[offsets[user.index]..<offsets[user.index + 1]] }

    /// The longest sequence's items.
    public var longest: Int { zip(offsets, offsets.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) } }

    /// The same users with what they have had since; later than all that stands here.
    ///
    /// - Precondition: the log has the same users.
    public func followed(by log: InteractionLog) -> InteractionSequences {
        precondition(log.users.count == userCount)
        let later = InteractionSequences(log)
        return InteractionSequences(
            (0..<userCount).map { Array(self[UserRow($0)]) + later[UserRow($0)] })
    }
}

extension InteractionSequences {
    /// The same without its order: what each user has had, `[users × items]`, each once.
    ///
    /// - Precondition: rows are below `items`.
    public func matrix(items count: Int) -> InteractionMatrix<UserRow, ItemRow> {
        var (offsets, columns): ([Int], [UInt32]) = ([0], [])
        columns.reserveCapacity(items.count)
        for user in 0..<userCount {
            var previous: UInt32?
            for item in self[UserRow(user)].sorted() where item != previous {
                columns.append(item)
                previous = item
            }
            offsets.append(columns.count)
        }
        return InteractionMatrix(offsets: offsets, columns: columns, values: nil, columnCount: count)
    }
}
