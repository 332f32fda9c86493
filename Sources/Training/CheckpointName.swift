/// The name of a checkpoint's folder: `000003` after three complete epochs, `000003.1` for the first interruption
/// in the fourth, `000003.2` for the second. Names sort as the checkpoints came about.
public struct CheckpointName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Complete epochs.
    public let epochs: Int
    /// Which interruption of the epoch after those; 0 when none of it is trained.
    public let interruption: Int

    init(epochs: Int, interruption: Int = 0) {
        self.epochs = epochs
        self.interruption = interruption
    }

    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let epochs = Int(parts[0]), epochs >= 0 else { return nil }
        let interruption = parts.count == 2 ? Int(parts[1]) : 0
        guard let interruption, interruption >= 0 else { return nil }
        self.init(epochs: epochs, interruption: interruption)
        guard description == text else { return nil }
    }

    public var isEpochEnd: Bool { interruption == 0 }

    public var description: String {
        let digits = String(epochs)
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        return isEpochEnd ? padded : "\(padded).\(interruption)"
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.epochs, left.interruption) < (right.epochs, right.interruption)
    }
}

extension CheckpointName {
    /// Which of `all` to remove now that `current`, one of them, is complete.
    ///
    /// Kept are `current`, the newest `count` epoch ends up to it, and the end of epoch `best`. Later ones are
    /// remains that could not be read when `current` was begun from an earlier one; interruptions before
    /// `current` have been passed.
    package static func expendable(
        of all: [CheckpointName], current: CheckpointName, keep count: Int, best: Int?
    ) -> [CheckpointName] {
        let ends = all.filter { $0.isEpochEnd && $0 <= current }.sorted()
        var kept = Set(ends.suffix(max(1, count)))
        kept.insert(current)
        if let best { kept.insert(CheckpointName(epochs: best)) }
        return all.filter { !kept.contains($0) || $0 > current }.sorted()
    }
}
