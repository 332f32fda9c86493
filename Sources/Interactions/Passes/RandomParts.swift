package import Basics
import Kernels

/// The parts of a random split, which depend on an interaction's place in the log alone: made anew for any stretch of it,
/// and never kept.
struct RandomParts: Sendable {
    private let cut: RandomCut<LogPart>
    /// Parts that the rule makes.
    let wanted: [LogPart]
    /// Interactions of each part in each slice, `[slices][parts]`.
    let counts: [[Int]]

    /// - Throws: as ``InteractionLog/partition(_:seed:workers:)`` does.
    /// - Complexity: three passes over random numbers, one an interaction.
    init(validation: Double, test: Double, seed: UInt64, count: Int, sliceSize: Int, workers: Workers) throws {
        let rule = SplitRule.random(validation: validation, test: test)
        try rule.validate()
        let cut = Self.ranks(count, seed, workers).cut(at: Self.cuts(count, validation, test), names: Self.names)
        var counts = [[Int]](repeating: [], count: (count + sliceSize - 1) / sliceSize)
        counts.withUnsafeMutableBufferPointer { counts in
            workers.forEach(counts.count) { slice, _ in
                let range = slice * sliceSize..<min(count, (slice + 1) * sliceSize)
                withUnsafeTemporaryAllocation(of: LogPart.self, capacity: range.count) { parts in
                    cut.write(range, to: parts.baseAddress!)
                    counts[slice] = LogPart.allCases.map { part in parts.count { $0 == part } }
                }
            }
        }
        (self.cut, self.counts) = (cut, counts)
        wanted = [.train] + (validation > 0 ? [.validation] : []) + (test > 0 ? [.test] : [])
        for part in wanted where total(part) == 0 { throw part.isEmpty(in: rule, of: count) }
    }

    /// Interactions of a part.
    func total(_ part: LogPart) -> Int { counts.reduce(0) { $0 + $1[Int(part.rawValue)] } }

    /// Writes the parts of a stretch of the log, one after the other.
    func write(_ rows: Range<Int>, to target: UnsafeMutablePointer<LogPart>) { cut.write(rows, to: target) }

    /// Random ranks of interactions; the smallest are held out.
    static func ranks(_ count: Int, _ seed: UInt64, _ workers: Workers) -> RandomRanks {
        RandomRanks(count: count, stream: { RandomStream(seed: seed, .split, counter: $0) }, workers: workers)
    }

    static let names: [LogPart] = [.validation, .test, .train]

    static func cuts(_ count: Int, _ validation: Double, _ test: Double) -> [Int] {
        let validation = held(validation, of: count)
        return [validation, validation + min(held(test, of: count), count - validation)]
    }

    /// How many of `fraction` of them are held out.
    static func held(_ fraction: Double, of count: Int) -> Int { Int((fraction * Double(count)).rounded()) }
}

extension SplitRule {
    /// How many of so many interactions go to training and to what is held out; nil for a rule that must see them.
    package func counts(of count: Int) -> (train: Int, heldOut: Int)? {
        guard case .random(let validation, let test) = self else { return nil }
        let heldOut = RandomParts.cuts(count, validation, test)[1]
        return (count - heldOut, heldOut)
    }

    /// What is thrown for a rule that must see them where data is gone through in passes.
    package var needsLog: StarlingError {
        StarlingError(
            .usage,
            "the split “\(self)” looks at all interactions at once, and data that is read in passes is split at random",
            remedy: "use --split random:0.1, or hold out nothing: --val-size 0")
    }
}
