/// Finds texts near to what was typed, for “did you mean”.
public enum Nearest {
    /// The `count` nearest candidates, nearest first: those with the fewest edits between the text and some part of them,
    /// case aside (Sellers 1980); of equal ones the shorter, then in alphabetical order.
    ///
    /// - Complexity: O(candidates × length²).
    public static func find(_ text: String, count: Int, among candidates: [String]) -> [String] {
        let wanted = Array(text.lowercased().utf8)
        let scored = candidates.map { (distance(wanted, within: Array($0.lowercased().utf8)), $0.utf8.count, $0) }
        return scored.sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.prefix(count).map(\.2)
    }

    /// Insertions, deletions and replacements of bytes that turn `text` into the part of `whole` nearest to it.
    package static func distance(_ text: [UInt8], within whole: [UInt8]) -> Int {
        // edits[c]: from the text so far to the best part of `whole` that ends before byte c; a part may start anywhere.
        var edits = [Int](repeating: 0, count: whole.count + 1)
        for (row, byte) in text.enumerated() {
            var diagonal = edits[0]
            edits[0] = row + 1
            for (column, other) in whole.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = edits[column + 1]
                edits[column + 1] = min(replaced, diagonal + 1, edits[column] + 1)
            }
        }
        return edits.min()!
    }
}
