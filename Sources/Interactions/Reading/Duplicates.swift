import Basics
package import Kernels

extension InteractionLog {
    /// The log with one interaction a pair of user and item, and how many went into others. Rows stay in the log's
    /// order: with `last` and `first` each at its own place, with `mean` and `sum` at that of the pair's first.
    ///
    /// - Throws: `badData` under the policy `error` for the pair whose second entry comes first in the log.
    /// - Complexity: O(n) for `n` interactions, and O(m log m) for each user with `m` that has an item twice. Memory:
    ///   4 bytes an item and thread, and what the log takes.
    package func mergingDuplicates(
        _ policy: DuplicatePolicy, workers: Workers
    ) throws -> (log: InteractionLog, merged: Int) {
        guard count < Int(UInt32.max) else {
            throw StarlingError(.badData, "too many interactions to look for duplicates: \(count)")
        }
        let order = entriesByUser()
        var keeps = [Bool](repeating: true, count: count)
        var values = self.values
        if policy == .sum && values == nil { values = [Float](repeating: 1, count: count) }
        var times = self.times
        // The user who came to an item last, of each worker: two visits by one user are a repeat.
        let visitors = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: workers.count * items.count)
        defer { visitors.deallocate() }
        visitors.initialize(repeating: .max)
        var firstRepeat = [Int](repeating: .max, count: users.count)
        keeps.withUnsafeMutableBufferPointer { keeps in
            values.withPointer { values in
                times.withPointer { times in
                    firstRepeat.withUnsafeMutableBufferPointer { firstRepeat in
                        workers.forEach(users.count) { user, worker in
                            let visitor = visitors.baseAddress! + worker * items.count
                            var repeats = false
                            for entry in order.entries[order.offsets[user]..<order.offsets[user + 1]] {
                                let item = Int(itemRows[Int(entry)])
                                if visitor[item] == UInt32(user) { repeats = true }
                                visitor[item] = UInt32(user)
                            }
                            guard repeats else { return }
                            // Item above, place in the log below: runs of equal items in log order.
                            let keys = order.entries[order.offsets[user]..<order.offsets[user + 1]]
                                .map { UInt64(itemRows[Int($0)]) << 32 | UInt64($0) }.sorted()
                            var start = 0
                            while start < keys.count {
                                var end = start + 1
                                while end < keys.count, keys[end] >> 32 == keys[start] >> 32 { end += 1 }
                                if end - start > 1 {
                                    let run = keys[start..<end].map { Int($0 & 0xFFFF_FFFF) }
                                    firstRepeat[user] = min(firstRepeat[user], run[1])
                                    let survivor = merge(run, policy, values, times)
                                    for entry in run { keeps[entry] = entry == survivor }
                                }
                                start = end
                            }
                        }
                    }
                }
            }
        }
        let merged = keeps.count { !$0 }
        if merged == 0 && policy != .sum { return (self, 0) }
        if policy == .error {
            let entry = firstRepeat.min()!
            let (user, item) = (users[UserRow(Int(userRows[entry]))], items[ItemRow(Int(itemRows[entry]))])
            throw StarlingError(
                .badData, "user “\(user)” and item “\(item)” stand together more than once",
                remedy: "merge such rows with --duplicates last, first, mean or sum")
        }
        var columns = LogColumns(users: userRows, items: itemRows, values: values, times: times)
        if merged > 0 { columns.keep(keeps) }
        let log = InteractionLog(
            users: users, items: items, userRows: columns.users, itemRows: columns.items, values: columns.values,
            times: columns.times)
        return (log, merged)
    }

    /// The entry of a run that stays; its value and time are set to what the policy asks for.
    private func merge(
        _ run: [Int], _ policy: DuplicatePolicy, _ values: UnsafeMutablePointer<Float>?,
        _ times: UnsafeMutablePointer<Int64>?
    ) -> Int {
        switch policy {
        case .error: return run[0]
        case .last: return times.map { times in run.max { (times[$0], $0) < (times[$1], $1) }! } ?? run.last!
        case .first: return times.map { times in run.min { (times[$0], $0) < (times[$1], $1) }! } ?? run[0]
        case .mean, .sum:
            if let values {
                let sum = run.reduce(0.0) { $0 + Double(values[$1]) }
                values[run[0]] = Float(policy == .sum ? sum : sum / Double(run.count))
            }
            if let times { times[run[0]] = run.map { times[$0] }.max()! }
            return run[0]
        }
    }

    /// Entries grouped by user, each user's in log order.
    private func entriesByUser() -> (offsets: [Int], entries: [UInt32]) {
        var offsets = [Int](repeating: 0, count: users.count + 1)
        for user in userRows { offsets[Int(user) + 1] += 1 }
        for user in 0..<users.count { offsets[user + 1] += offsets[user] }
        var next = offsets
        let entries = [UInt32](unsafeUninitializedCapacity: count) { entries, count in
            for (entry, user) in userRows.enumerated() {
                entries[next[Int(user)]] = UInt32(entry)
                next[Int(user)] += 1
            }
            count = userRows.count
        }
        return (offsets, entries)
    }
}

extension Optional {
    fileprivate mutating func withPointer<Element>(_ body: (UnsafeMutablePointer<Element>?) -> Void)
    where Wrapped == [Element] {
        if self == nil { return body(nil) }
        self!.withUnsafeMutableBufferPointer { body($0.baseAddress) }
    }
}
