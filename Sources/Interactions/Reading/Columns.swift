import Basics
import Formats

/// Decides which columns of a table hold what, from a sample of its rows.
struct Columns {
    let file: String
    let rows: [[String]]
    let separator: [UInt8]

    /// Columns as the options name them.
    func mapped(_ mapping: ColumnMapping) throws -> TextForm {
        let wanted = [mapping.user, mapping.item, mapping.value, mapping.time]
        let needsHeader = wanted.contains { if case .name? = $0 { true } else { false } }
        let names = rows[0]
        let count = needsHeader ? names.count : rows.modalCount.count
        func index(_ column: ColumnMapping.Column?) throws -> Int? {
            switch column {
            case nil: return nil
            case .number(let number):
                guard number >= 1, number <= count else {
                    throw StarlingError(
                        .usage, "--columns asks for column \(number), the file has \(count)", at: .init(file: file),
                        remedy: "name another column, or the --separator if it was taken wrongly")
                }
                return number - 1
            case .name(let name):
                let found =
                    names.firstIndex(of: name)
                    ?? names.firstIndex { HeaderNames.plain($0) == HeaderNames.plain(name) }
                guard let found else {
                    throw StarlingError(
                        .usage, "--columns names “\(name)”, the header has \(quoted(names))", at: .init(file: file),
                        remedy: "use a name from the header, or a number from 1 to \(count)")
                }
                return found
            }
        }
        let indices = try wanted.map(index)
        let chosen = indices.compactMap(\.self)
        guard Set(chosen).count == chosen.count else {
            throw StarlingError(.usage, "--columns gives one column two meanings", remedy: "name different columns")
        }
        let (user, item, value, time) = (indices[0]!, indices[1]!, indices[2], indices[3])
        let hasHeader = needsHeader || namesBoth || isHeader(user, item, [value, time].compactMap(\.self))
        return form(count, user, item, value, time, hasHeader)
    }

    /// Columns from the header's names, or from their number.
    func guessed() throws -> TextForm {
        if namesBoth { return try named() }
        let count = rows.modalCount.count
        let looksLikeHeader = isHeader(0, 1, Array(2..<max(2, min(count, 4))))
        if looksLikeHeader {
            throw unknown("the first line looks like a header (\(quoted(rows[0]))) but names no user and item column")
        }
        switch count {
        case 2:
            var sequences = form(2, 0, 1, nil, nil, false)
            sequences.kind = .sequences
            sequences.name = "\(TextForm.words(separator: separator)) user item lines, in the order of time"
            return sequences
        case 3:
            let third = column(2)
            if third.contains(where: isNumber), third.filter(isNumber).allSatisfy({ (Double($0) ?? 0) >= 1e8 }) {
                throw unknown("the third column may be the time")
            }
            return form(3, 0, 1, 2, nil, false)
        case 4: return form(4, 0, 1, 2, 3, false)
        default: throw unknown("\(count) columns without a header that names user and item")
        }
    }

    private func named() throws -> TextForm {
        func only(_ role: TextForm.Role) throws -> Int? {
            let found = rows[0].indices.filter { HeaderNames.role(rows[0][$0]) == role }
            guard found.count <= 1 else {
                throw unknown("\(quoted(found.map { rows[0][$0] })) may each be the \(role)")
            }
            return found.first
        }
        let user = try only(.user)!, item = try only(.item)
        var form = form(
            rows[0].count, user, item ?? setColumns[0], try only(.value), try only(.time), true)
        if item == nil {
            form.moreItems = Array(setColumns.dropFirst())
            form.name += ": sets of \(setColumns.count) items, each of which counts as rated so"
        }
        return form
    }

    /// Columns of the items of a set, where a row has several.
    private var setColumns: [Int] { rows[0].indices.filter { HeaderNames.isNumberedItem(rows[0][$0]) } }

    /// Whether the first line names a user column and an item column.
    private var namesBoth: Bool {
        let roles = rows[0].map(HeaderNames.role)
        return roles.contains(.user) && (roles.contains(.item) || setColumns.count > 1)
    }

    /// Whether the first line has text where most others have numbers, and no integers as ids.
    private func isHeader(_ user: Int, _ item: Int, _ numeric: [Int]) -> Bool {
        let ids = [user, item].filter { $0 < rows[0].count }.map { rows[0][$0] }
        guard rows.count > 1, ids.contains(where: { Int64($0) == nil }) else { return false }
        return numeric.contains { index in
            guard index < rows[0].count, !isNumber(rows[0][index]) else { return false }
            let others = column(index).dropFirst()
            return others.count(where: isNumber) * 2 > others.count
        }
    }

    private func column(_ index: Int) -> [String] { rows.map { index < $0.count ? $0[index] : "" } }

    private func isNumber(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { (try? DecimalText.float($0)) != nil }
    }

    private func form(
        _ count: Int, _ user: Int, _ item: Int, _ value: Int?, _ time: Int?, _ hasHeader: Bool
    ) -> TextForm {
        let parts = [("user", user), ("item", item), ("value", value), ("time", time)].compactMap { role, index in
            index.map { index in
                hasHeader && index < rows[0].count ? "\(role) “\(rows[0][index])”" : "\(role) in column \(index + 1)"
            }
        }
        let isTyped = hasHeader && rows[0].allSatisfy { HeaderNames.untyped($0) != nil }
        let kind = isTyped ? "RecBole .inter" : TextForm.words(separator: separator)
        return TextForm(
            kind: .table, separator: separator, columnCount: count, user: user, item: item, value: value, time: time,
            header: hasHeader ? [] : nil, name: "\(kind): " + parts.joined(separator: ", "))
    }

    private func quoted(_ names: [String]) -> String { names.prefix(20).map { "“\($0)”" }.joined(separator: ", ") }

    private func unknown(_ what: String) -> StarlingError {
        StarlingError(
            .badData, what, at: .init(file: file),
            remedy: "say which column is which with --columns user=…,item=…,value=…,time=… (names or numbers from 1)")
    }
}
