import Basics
package import Kernels

/// A log cut by a rule. All parts keep the vocabularies of the whole, so a row means the same in each, and
/// keep the order of the whole. Parts that the rule does not make are nil; those that it makes are not empty.
public struct LogParts: Sendable {
    public let rule: SplitRule
    public let train: InteractionLog
    public let validation: InteractionLog?
    public let test: InteractionLog?
    /// The histories of held-out users; nil for other rules.
    public let foldIn: InteractionLog?
}

/// Which part of a split each interaction of a log goes to.
package struct LogPartition: Sendable {
    package let rule: SplitRule
    /// `[interactions]`.
    let parts: [LogPart]
    /// Those that the rule makes; none is empty.
    let wanted: [LogPart]
}

extension InteractionLog {
    /// Cuts the log. The result depends on the log, the rule and the seed alone; `last` and `temporal` draw
    /// nothing, equal times are taken in log order.
    ///
    /// - Throws: `usage` if the rule needs times and the log has none, or asks for more users than there are;
    ///   `badData` if a part that was asked for, or training, would be empty.
    /// - Complexity: O(interactions), `last` sorts each user's own.
    public func split(_ rule: SplitRule, seed: UInt64) throws -> LogParts {
        let partition = try partition(rule, seed: seed, workers: Workers(threads: 1))
        return LogParts(
            rule: rule, train: part(.train, of: partition)!, validation: part(.validation, of: partition),
            test: part(.test, of: partition), foldIn: part(.foldIn, of: partition))
    }

    /// As ``split(_:seed:)``, but parts are made when asked for: a byte an interaction.
    package func partition(_ rule: SplitRule, seed: UInt64, workers: Workers) throws -> LogPartition {
        try rule.validate()
        let parts: [LogPart]
        var wanted: [LogPart] = [.train]
        switch rule {
        case .random(let validation, let test):
            parts = RandomParts.ranks(count, seed, workers)
                .segments(cuts: RandomParts.cuts(count, validation, test), names: RandomParts.names)
            wanted += (validation > 0 ? [.validation] : []) + (test > 0 ? [.test] : [])
        case .temporal(let validation, let test):
            parts = try temporalParts(validation, test, rule)
            wanted += (validation > 0 ? [.validation] : []) + (test > 0 ? [.test] : [])
        case .last(let count):
            parts = try lastParts(count, rule)
            wanted += count > 1 ? [.validation, .test] : [.validation]
        case .heldOutUsers(let count):
            parts = try heldOutParts(count, rule, seed)
            wanted += [.foldIn, .test]
        case .folders:
            throw StarlingError(
                .usage, "data that is in folders for its parts is cut already",
                remedy: "name the folder that holds them, in a command that trains")
        }
        for part in wanted where !parts.contains(part) { throw part.isEmpty(in: rule, of: count) }
        return LogPartition(rule: rule, parts: parts, wanted: wanted)
    }

    /// The interactions of a part, in the order of this log; nil where the rule makes no such part.
    package func part(_ part: LogPart, of partition: LogPartition) -> InteractionLog? {
        precondition(partition.parts.count == count)
        guard partition.wanted.contains(part) else { return nil }
        let total = partition.parts.count { $0 == part }
        func picked<Element>(_ column: [Element]) -> [Element] {
            [Element](unsafeUninitializedCapacity: total) { target, filled in
                for index in partition.parts.indices where partition.parts[index] == part {
                    target.initializeElement(at: filled, to: column[index])
                    filled += 1
                }
            }
        }
        return InteractionLog(
            users: users, items: items, userRows: picked(userRows), itemRows: picked(itemRows),
            values: values.map(picked), times: times.map(picked))
    }

    private func temporalParts(_ validation: Double, _ test: Double, _ rule: SplitRule) throws -> [LogPart] {
        let times = try timesNeeded(by: rule)
        let testCount = held(test)
        let validationCount = min(held(validation), count - testCount)
        return SmallestKeys.segments(
            count: count, key: { UInt64(bitPattern: times[$0]) ^ 1 << 63 },  // order as unsigned
            cuts: [count - testCount - validationCount, count - testCount],
            names: [.train, .validation, .test])
    }

    private func lastParts(_ held: Int, _ rule: SplitRule) throws -> [LogPart] {
        let times = try timesNeeded(by: rule)
        var parts = [LogPart](repeating: .train, count: count)
        let (offsets, indices) = interactionsByUser()
        for user in 0..<users.count where offsets[user + 1] - offsets[user] > held {
            var own = indices[offsets[user]..<offsets[user + 1]]
            own.sort { (times[Int($0)], $0) < (times[Int($1)], $1) }
            for index in own.suffix(held) { parts[Int(index)] = .validation }
            if held > 1 { parts[Int(own.last!)] = .test }
        }
        return parts
    }

    private func heldOutParts(_ wanted: Int, _ rule: SplitRule, _ seed: UInt64) throws -> [LogPart] {
        let (offsets, indices) = interactionsByUser()
        var candidates = (0..<users.count).filter { offsets[$0 + 1] - offsets[$0] >= 2 }
        guard wanted < candidates.count else {
            throw StarlingError(
                .usage, "the split “\(rule)” asks for \(wanted) users, and \(candidates.count) have two interactions",
                remedy: "hold out fewer users, so that some are left for training")
        }
        var stream = RandomStream(seed: seed, .split, index: 1)
        stream.shuffle(&candidates)
        var parts = [LogPart](repeating: .train, count: count)
        for user in candidates.prefix(wanted) {
            var own = Array(indices[offsets[user]..<offsets[user + 1]])
            var stream = RandomStream(seed: seed, .split, index: 2 + UInt64(user))
            stream.shuffle(&own)
            let history = min(own.count - 1, max(1, Int((0.8 * Double(own.count)).rounded())))
            for (place, index) in own.enumerated() { parts[Int(index)] = place < history ? .foldIn : .test }
        }
        return parts
    }

    private func held(_ fraction: Double) -> Int { RandomParts.held(fraction, of: count) }

    private func timesNeeded(by rule: SplitRule) throws -> [Int64] {
        guard let times else {
            throw StarlingError(
                .usage, "the split “\(rule)” needs times, and the data has none",
                remedy: "name the column with --columns time=…, or split at random with random:0.1")
        }
        return times
    }

    /// Interactions grouped by user, each user's in log order: user `u` has `indices[offsets[u]..<offsets[u + 1]]`.
    func interactionsByUser() -> (offsets: [Int], indices: [UInt32]) {
        var offsets = [Int](repeating: 0, count: users.count + 1)
        for row in userRows { offsets[Int(row) + 1] += 1 }
        for user in 0..<users.count { offsets[user + 1] += offsets[user] }
        var next = offsets
        var indices = [UInt32](repeating: 0, count: count)
        for (index, row) in userRows.enumerated() {
            indices[next[Int(row)]] = UInt32(index)
            next[Int(row)] += 1
        }
        return (offsets, indices)
    }
}

/// The part an interaction goes to.
package enum LogPart: UInt8, Sendable, CaseIterable {
    case train, validation, test, foldIn

    var name: String {
        switch self {
        case .train: "training"
        case .validation: "validation"
        case .test: "the test"
        case .foldIn: "histories"
        }
    }

    /// What a split throws that makes nothing of a part that was asked for.
    func isEmpty(in rule: SplitRule, of count: Int) -> StarlingError {
        StarlingError(
            .badData, "the split “\(rule)” of \(count) interactions leaves nothing for \(name)",
            remedy: "choose another split, or data with more interactions")
    }
}
