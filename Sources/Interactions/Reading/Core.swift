import Basics

extension InteractionLog {
    /// What a k-core took away.
    package struct Removed: Sendable, Equatable {
        package var users = 0
        package var items = 0
        package var rows = 0
    }

    /// The largest part in which every user has at least `perUser` interactions and every item `perItem` (the
    /// k-core, counting entries). Users and items outside it leave the vocabularies; the order of rows stays.
    ///
    /// - Throws: `badData` if nothing is left.
    /// - Complexity: O(interactions) for each round until nothing changes; rounds are few on real data.
    package func core(perUser: Int, perItem: Int) throws -> (log: InteractionLog, removed: Removed) {
        var keeps = [Bool](repeating: true, count: count)
        var userCounts = [Int](repeating: 0, count: users.count)
        var itemCounts = [Int](repeating: 0, count: items.count)
        for entry in 0..<count {
            userCounts[Int(userRows[entry])] += 1
            itemCounts[Int(itemRows[entry])] += 1
        }
        var left = count
        var changes = true
        while changes {
            changes = false
            for entry in 0..<count where keeps[entry] {
                let (user, item) = (Int(userRows[entry]), Int(itemRows[entry]))
                if userCounts[user] < perUser || itemCounts[item] < perItem {
                    keeps[entry] = false
                    userCounts[user] -= 1
                    itemCounts[item] -= 1
                    left -= 1
                    changes = true
                }
            }
        }
        guard left > 0 else {
            throw StarlingError(
                .badData, "no interaction is left with at least \(perUser) a user and \(perItem) an item",
                remedy: "lower --min-user and --min-item")
        }
        if left == count { return (self, Removed()) }
        var columns = LogColumns(users: userRows, items: itemRows, values: values, times: times)
        columns.keep(keeps)
        let (users, userRank) = users.keeping(userCounts.map { $0 > 0 })
        let (items, itemRank) = items.keeping(itemCounts.map { $0 > 0 })
        let log = InteractionLog(
            users: users, items: items, userRows: columns.users.map { userRank[Int($0)] },
            itemRows: columns.items.map { itemRank[Int($0)] }, values: columns.values, times: columns.times)
        let removed = Removed(
            users: self.users.count - users.count, items: self.items.count - items.count, rows: count - left)
        return (log, removed)
    }
}

extension Vocabulary {
    /// The ids for which `keeps` is true, in order, and every old row's new number.
    fileprivate func keeping(_ keeps: [Bool]) -> (vocabulary: Vocabulary, rank: [UInt32]) {
        var rank: [UInt32] = []
        var next: UInt32 = 0
        for keep in keeps {
            rank.append(next)
            if keep { next += 1 }
        }
        let kept = keeps.indices.filter { keeps[$0] }
        switch ids {
        case .integers(let integers): return (Vocabulary(.integers(kept.map { integers[$0] })), rank)
        // Those that stay may all be integers now: the general way decides.
        case .strings:
            let texts = kept.map { ids[$0] }
            if texts.contains(where: { canonicalInteger($0) == nil }) {
                return (Vocabulary(.strings(packing: texts)), rank)
            }
            let vocabulary = Vocabulary(texts)
            var ranks = rank
            for row in kept { ranks[row] = UInt32(vocabulary.row(of: ids[row])!.index) }
            return (vocabulary, ranks)
        }
    }
}
