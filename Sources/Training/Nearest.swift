/// Finds texts near to what was typed, for “did you mean”.
public enum Nearest {
    /// The `count` nearest candidates, nearest first: those that contain the text (shorter first) before those at the
    /// smallest edit distance, case aside; equal ones in alphabetical order.
    ///
    /// - Complexity: O(candidates × length²).
    public static func find(_ text: String, count: Int, among candidates: [String]) -> [String] {
        let wanted = Array(text.lowercased().utf8)
        let scored = candidates.map { candidate in
            let lowered = Array(candidate.lowercased().utf8)
            let contains = !wanted.isEmpty && lowered.contains(wanted)
            return (contains ? lowered.count - wanted.count - 1 << 20 : distance(wanted, lowered), candidate)
        }
        return scored.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(count).map(\.1)
    }

    /// Levenshtein's: insertions, deletions and replacements of bytes.
    package static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                current.append(
                    min(previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
