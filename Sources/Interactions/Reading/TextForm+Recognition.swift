import Basics
import Formats

extension TextForm {
    /// Tells the form of a file from its beginning, the header's names and the options.
    ///
    /// - Returns: the form, where the rows begin and the number of their first line.
    /// - Throws: `badData` where the form is unknown or more than one would fit; `usage` for a separator or columns
    ///   that cannot be.
    static func recognise(
        _ file: MappedFile, _ options: ReadingOptions
    ) throws -> (form: TextForm, start: Int, line: Int) {
        let sample = try TextSample(file)
        let separator = try chooseSeparator(sample, options)
        let rows = sample.rows(separator: separator)
        if options.columns == nil, areLists(rows, separator) {
            let form = TextForm(
                kind: .lists, separator: separator, columnCount: 2, user: 0, item: 1,
                name: "adjacency lists, \(words(separator: separator)): user item item …")
            return (form, sample.lines[0].range.lowerBound, sample.lines[0].number)
        }
        let columns = Columns(file: file.path, rows: rows, separator: separator)
        var form = try options.columns.map { try columns.mapped($0) } ?? columns.guessed()
        if form.header != nil { form.header = Array(sample.lines[0].text) }
        let body = form.header == nil ? rows : Array(rows.dropFirst())
        form.hasTextUsers = body.contains { isText($0, form.user) }
        form.hasTextItems = body.contains { isText($0, form.item) }
        let first = sample.lines[0]
        return form.header == nil
            ? (form, first.range.lowerBound, first.number) : (form, first.next, first.number + 1)
    }

    private static func isText(_ row: [String], _ column: Int) -> Bool {
        column < row.count && !row[column].isEmpty && !row[column].isRowNumber
    }

    private static func chooseSeparator(_ sample: TextSample, _ options: ReadingOptions) throws -> [UInt8] {
        if let wanted = options.separator {
            guard let separator = separator(named: wanted) else {
                throw StarlingError(
                    .usage, "--separator “\(wanted)” cannot separate fields",
                    remedy: "use , ; | :: or one of the words tab, comma, space, pipe, semicolon")
            }
            return separator
        }
        let candidates = ["\t", "::", ",", ";", "|", " "].map { Array($0.utf8) }.map { separator in
            (separator: separator, modal: sample.rows(separator: separator).modalCount)
        }
        .filter { $0.modal.count >= 2 }
        let space = [UInt8(ascii: " ")]
        if options.columns == nil, areLists(sample.rows(separator: space), space) { return space }
        // A space may stand within fields, so it counts only where nothing else separates.
        let consistent = candidates.filter { $0.modal.share >= 0.9 }
        let visible = consistent.filter { $0.separator != space }
        if let most = visible.map(\.modal.count).max() {
            let best = visible.filter { $0.modal.count == most }
            guard best.count == 1 else {
                let names = best.map { words(separator: $0.separator) }.joined(separator: " or ")
                throw StarlingError(
                    .badData, "the file may be \(names)", at: .init(file: sample.file.path),
                    remedy: "say which with --separator")
            }
            return best[0].separator
        }
        if let only = consistent.first { return only.separator }
        guard
            let best = candidates.max(by: {
                ($0.modal.share, $0.modal.count) < ($1.modal.share, $1.modal.count)
            })
        else {
            throw StarlingError(
                .badData, "no separator was recognised: the first line is “\(excerpt(sample.lines[0].text))”",
                at: .init(file: sample.file.path, line: sample.lines[0].number),
                remedy: "name it with --separator, and the columns with --columns user=…,item=…")
        }
        return best.separator
    }

    /// Whether rows are adjacency lists: all integers between spaces, every line another user, lengths that differ
    /// or are beyond what a table without a header has.
    private static func areLists(_ rows: [[String]], _ separator: [UInt8]) -> Bool {
        guard separator == [UInt8(ascii: " ")] || separator == [UInt8(ascii: "\t")] else { return false }
        let modal = rows.modalCount
        guard modal.share < 0.9 || modal.count >= 5, Set(rows.map(\.first)).count == rows.count else { return false }
        return rows.allSatisfy { row in row.allSatisfy(\.isRowNumber) }
    }

    /// A piece of text for a message: at most 40 bytes, nothing that a terminal would act on.
    static func excerpt(_ text: UnsafeBufferPointer<UInt8>) -> String {
        let start = String(decoding: text.prefix(40), as: UTF8.self)
        let plain = String(start.unicodeScalars.map { $0.properties.generalCategory == .control ? "�" : Character($0) })
        return plain + (text.count > 40 ? "…" : "")
    }
}

extension String {
    fileprivate var isRowNumber: Bool {
        var text = self
        return text.withUTF8 { DecimalText.rowNumber($0) != nil }
    }
}
