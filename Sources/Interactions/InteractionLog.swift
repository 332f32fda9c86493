/// Interactions as columns, with the vocabularies that name their rows.
///
/// `users` and `items` may name rows that no interaction of this log has: a split keeps the vocabularies of
/// the whole, so that row numbers mean the same in every part. At most 2³² − 1 users and items.
public struct InteractionLog: Sendable {
    public let users: Vocabulary<UserRow>
    public let items: Vocabulary<ItemRow>
    /// The user row of each interaction, `[interactions]`.
    public let userRows: [UInt32]
    /// The item row of each interaction, `[interactions]`.
    public let itemRows: [UInt32]
    /// Ratings or counts, `[interactions]`; nil where the source has none (each then counts as 1).
    public let values: [Float]?
    /// Times, `[interactions]`, in the source's unit (mostly seconds since 1970); nil where it has none.
    public let times: [Int64]?

    /// - Precondition: columns are of one length, rows lie within the vocabularies.
    public init(
        users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>, userRows: [UInt32], itemRows: [UInt32],
        values: [Float]?, times: [Int64]?
    ) {
        precondition(userRows.count == itemRows.count)
        precondition(values.map { $0.count == userRows.count } ?? true)
        precondition(times.map { $0.count == userRows.count } ?? true)
        self.users = users
        self.items = items
        self.userRows = userRows
        self.itemRows = itemRows
        self.values = values
        self.times = times
    }

    public var count: Int { userRows.count }

    /// The value of an interaction; 1 where the source has none.
    public func value(_ index: Int) -> Float { values?[index] ?? 1 }

    /// The same without times, to let go of their memory.
    package var withoutTimes: InteractionLog {
        InteractionLog(users: users, items: items, userRows: userRows, itemRows: itemRows, values: values, times: nil)
    }

    /// The same with places in the log as times.
    package var inOrder: InteractionLog {
        InteractionLog(
            users: users, items: items, userRows: userRows, itemRows: itemRows, values: values,
            times: (0..<count).map { Int64($0) })
    }

    /// The same without values and times.
    package var pairs: InteractionLog {
        InteractionLog(users: users, items: items, userRows: userRows, itemRows: itemRows, values: nil, times: nil)
    }

    /// The interactions at `indices`, in that order, under the same vocabularies.
    public func selecting(_ indices: [Int]) -> InteractionLog {
        InteractionLog(
            users: users, items: items, userRows: indices.map { userRows[$0] }, itemRows: indices.map { itemRows[$0] },
            values: values.map { column in indices.map { column[$0] } },
            times: times.map { column in indices.map { column[$0] } })
    }

    /// The interactions of known users, with the row numbers of other vocabularies, in the order of this log. Items
    /// that `items` lacks are appended to it, in row order; users that `users` lacks are left out.
    public func adopted(by users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>) -> InteractionLog {
        let userOf = self.users.rawIDs.map { users.row(of: $0) }
        let kept = userRows.indices.filter { userOf[Int(userRows[$0])] != nil }
        var isNeeded = [Bool](repeating: false, count: self.items.count)
        for index in kept { isNeeded[Int(itemRows[index])] = true }
        var new: [String] = []
        var itemOf = [UInt32](repeating: 0, count: self.items.count)
        for row in isNeeded.indices where isNeeded[row] {
            let id = self.items[ItemRow(row)]
            itemOf[row] = UInt32(items.row(of: id)?.index ?? items.count + new.count)
            if itemOf[row] >= items.count { new.append(id) }
        }
        return InteractionLog(
            users: users, items: new.isEmpty ? items : items.appending(new),
            userRows: kept.map { UInt32(userOf[Int(userRows[$0])]!.index) },
            itemRows: kept.map { itemOf[Int(itemRows[$0])] },
            values: values.map { values in kept.map { values[$0] } },
            times: times.map { times in kept.map { times[$0] } })
    }
}
