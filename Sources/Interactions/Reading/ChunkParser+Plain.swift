import CKernels
import Formats
import Kernels

extension ChunkParser {
    /// Whether rows may be taken by ``plainRows(_:_:base:_:)``.
    func canHavePlainRows() -> Bool {
        isTerminated && form.kind != .lists && form.moreItems.isEmpty && form.separator.count <= 2
            && !Self.standsInNumbers(form.separator[0])
            && !headerPassesForRow()
    }

    /// Whether a number would be read on over a separator.
    private static func standsInNumbers(_ byte: UInt8) -> Bool {
        byte &- 48 < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    /// Whether the header, should it stand in the file again, would be taken for a row: where ids are texts, only a
    /// value or a time tells it from one.
    private func headerPassesForRow() -> Bool {
        guard users.isInterning || items.isInterning, let header = form.header else { return false }
        var splitter = FieldSplitter(separator: form.separator)
        return header.withUnsafeBufferPointer { header in
            guard (try? splitter.split(header)) != nil else { return false }
            return [form.value, form.time].allSatisfy { index in
                guard let index, index < splitter.fields.count else { return true }
                return splitter.withBytes(of: splitter.fields[index], in: header) {
                    (try? DecimalText.float($0)) != nil
                }
            }
        }
    }

    /// Takes rows as long as they are of the usual kind (``sk_text_take``): canonical integers or short texts as ids,
    /// short plain decimals, no quotes, no blanks. Returns the beginning of the first line that is not, or `end`.
    mutating func plainRows(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, base: UnsafePointer<UInt8>,
        _ known: UnsafeMutablePointer<sk_text_value>
    ) -> UnsafePointer<UInt8> {
        let first = rows
        var taken = sk_text_rows(
            position: start, end: end, readable: readable.baseAddress,
            unreadable: readable.baseAddress! + readable.count,
            base: base, users: output.users, items: output.items, values: output.values, times: output.times,
            rows: rows,
            greatest_user: users.greatest, greatest_item: items.greatest, known: known)
        let separator = (form.separator[0], form.separator.last!)
        roles.withUnsafeBufferPointer { roles in
            var form = sk_text_form(
                separator: separator, separator_size: form.separator.count, columns: roles.count,
                roles: roles.baseAddress, users_are_text: users.isInterning ? 1 : 0,
                items_are_text: items.isInterning ? 1 : 0, longest: form.longestLine)
            sk_text_take(&form, &taken, instructionSet.rawValue)
        }
        (rows, users.greatest, items.greatest) = (taken.rows, taken.greatest_user, taken.greatest_item)
        if users.isInterning { users.number(output.users, first..<rows, from: base) }
        if items.isInterning { items.number(output.items, first..<rows, from: base) }
        if form.kind == .sequences {
            for row in first..<rows { output.times![row] = Int64(ordinal + row - first) }
        }
        line += rows - first
        ordinal += rows - first
        return taken.position
    }
}
