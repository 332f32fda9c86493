/// A result as people read it: a title, a header, aligned columns.
///
/// ```
/// Quality on held-out ratings
///
/// metric         value
/// ─────────────  ──────
/// rmse           0.9113
/// coverage@10    0.0931
/// ```
package struct Table {
    package var title: String?
    package var header: [String]
    package var rows: [[String]]

    package init(title: String? = nil, header: [String] = [], rows: [[String]] = []) {
        self.title = title
        self.header = header
        self.rows = rows
    }

    /// The table as lines, each ended by a line feed. A column whose cells are all numbers is set flush right.
    ///
    /// - Parameter width: columns of the terminal; the widest column of text is cut to fit. Nil leaves all whole.
    package func render(width: Int? = nil) -> String {
        let rows = rows.map { $0.map(DisplayWidth.printable) }
        let lines = (header.isEmpty ? [] : [header]) + rows
        let count = lines.map(\.count).max() ?? 0
        var widths = (0..<count).map { column in
            lines.map { column < $0.count ? DisplayWidth.of($0[column]) : 0 }.max() ?? 0
        }
        let isNumeric = (0..<count).map { column in
            let cells = rows.compactMap { column < $0.count ? $0[column] : nil }.filter { !$0.isEmpty }
            return !cells.isEmpty && cells.allSatisfy(Self.isNumber)
        }
        if let width, let widest = (0..<count).filter({ !isNumeric[$0] }).max(by: { widths[$0] < widths[$1] }) {
            let excess = widths.reduce(0, +) + 2 * (count - 1) - width
            if excess > 0 { widths[widest] = max(8, widths[widest] - excess) }
        }
        func line(_ cells: [String]) -> String {
            let padded = (0..<count).map { column in
                DisplayWidth.pad(
                    DisplayWidth.cut(column < cells.count ? cells[column] : "", to: widths[column]),
                    to: widths[column], right: isNumeric[column])
            }
            let joined = padded.joined(separator: "  ")
            return joined[..<(joined.lastIndex { $0 != " " }.map { joined.index(after: $0) } ?? joined.startIndex)]
                + "\n"
        }
        var text = title.map { DisplayWidth.printable($0) + "\n\n" } ?? ""
        if !header.isEmpty { text += line(header) + line(widths.map { String(repeating: "─", count: $0) }) }
        for row in rows { text += line(row) }
        return text
    }

    /// Digits with signs, points, group commas, a percent sign or a unit after a space (`71.4 M`, `0.28 s`); a
    /// dash stands for none.
    private static func isNumber(_ cell: String) -> Bool {
        if cell == "–" || cell == "nan" { return true }
        let parts = cell.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.count == 1 || parts[1].count <= 3 && parts[1].allSatisfy(\.isLetter) else {
            return false
        }
        let digits = parts[0].hasSuffix("%") ? parts[0].dropLast() : parts[0]
        return Double(digits.filter { $0 != "," }) != nil
            || digits.contains(":") && digits.allSatisfy { $0.isNumber || $0 == ":" }
    }
}
