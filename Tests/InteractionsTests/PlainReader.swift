/// The reader as one would first write it: line by line, with strings, for tables whose form is known. It shares
/// nothing with the real one.
struct PlainReader {
    var separator: String
    var columns: Int
    var value: Int?
    var time: Int?
    var header: String?

    struct Outcome {
        var rows: [Row] = []
        var refused: [String: Int] = [:]
        /// Lines refused, from 1.
        var badLines: [Int] = []
    }

    /// Users stand in column 0, items in column 1.
    func read(_ bytes: [UInt8]) -> Outcome {
        var outcome = Outcome()
        let pieces = bytes.split(separator: 10, omittingEmptySubsequences: false)
        var pastHeader = header == nil
        for (index, piece) in pieces.enumerated() {
            var line = Array(piece)
            if index == 0, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
            if line.last == 13 { line.removeLast() }
            if line.isEmpty { continue }
            if !pastHeader {
                pastHeader = true
                continue
            }
            switch parse(line, isLast: index == pieces.count - 1) {
            case .success(let row): outcome.rows.append(row)
            case .failure(let reason):
                outcome.refused[reason.text, default: 0] += 1
                outcome.badLines.append(index + 1)
            }
        }
        return outcome
    }

    /// Lines with content, without their ends.
    func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        return bytes.split(separator: 10).map { Array($0.last == 13 ? $0.dropLast() : $0) }.filter { !$0.isEmpty }
    }

    /// How many fields a line has; 0 if its quotes are broken.
    func fieldCount(_ line: [UInt8]) -> Int { (try? split(line).get().count) ?? 0 }

    private struct Reason: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private func parse(_ line: [UInt8], isLast: Bool) -> Result<Row, Reason> {
        if line.count > 1 << 20 { return .failure(Reason("overlong line")) }
        if line.contains(0) { return .failure(Reason("embedded NUL byte")) }
        if let header, line == Array(header.utf8) { return .failure(Reason("the header again")) }
        let fields: [[UInt8]]
        switch split(line) {
        case .success(let found): fields = found
        case .failure(let reason): return .failure(reason)
        }
        if fields.count > columns { return .failure(Reason("too many fields")) }
        if fields.count < columns { return .failure(Reason(isLast ? "truncated last line" : "missing field")) }
        for id in fields[..<2] {
            if id.isEmpty { return .failure(Reason("empty id")) }
            if String(validating: id, as: UTF8.self) == nil { return .failure(Reason("invalid UTF-8 in an id")) }
        }
        var row = Row(String(decoding: fields[0], as: UTF8.self), String(decoding: fields[1], as: UTF8.self))
        if let value {
            let text = String(decoding: fields[value], as: UTF8.self)
            if text.isEmpty { return .failure(Reason("missing field")) }
            guard isNumber(text) else {
                return .failure(Reason(isInfinite(text) ? "value is not finite" : "value is not a number"))
            }
            guard let float = Float(text), float.isFinite else { return .failure(Reason("value is not finite")) }
            row.value = float
        }
        if let time {
            let text = String(decoding: fields[time], as: UTF8.self)
            if text.isEmpty { return .failure(Reason("missing field")) }
            guard isNumber(text) else {
                return .failure(Reason(isInfinite(text) ? "time is not finite" : "time is not a number"))
            }
            let whole = text.prefix { $0 != "." }
            let number =
                text.lowercased().contains("e")
                ? Int64(exactly: Double(text)!.rounded(.towardZero))
                : whole.contains { $0.isNumber } ? Int64(whole) : 0
            guard let number else { return .failure(Reason("time is not finite")) }
            row.time = number
        }
        return .success(row)
    }

    private func isInfinite(_ text: String) -> Bool {
        let bare = text.lowercased().drop { "+-".contains($0) }
        return ["nan", "inf", "infinity"].contains(bare) && text.count - bare.count <= 1
    }

    private func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { Array("0123456789+-.eE".utf8).contains($0) } && Double(text) != nil
    }

    private func split(_ line: [UInt8]) -> Result<[[UInt8]], Reason> {
        let mark = Array(separator.utf8)
        let runs = separator == " "
        var rest = line[...]
        var fields: [[UInt8]] = []
        func atMark() -> Bool { rest.starts(with: mark) }
        while true {
            if runs {
                rest = rest.drop { $0 == 32 }
                if rest.isEmpty { return .success(fields) }
            }
            var field: [UInt8] = []
            if rest.first == 34 {
                rest.removeFirst()
                while true {
                    guard let byte = rest.popFirst() else { return .failure(Reason("unterminated quote")) }
                    if byte == 34 {
                        guard rest.first == 34 else { break }
                        rest.removeFirst()
                    }
                    field.append(byte)
                }
                if !rest.isEmpty && !atMark() { return .failure(Reason("text after a closing quote")) }
            } else {
                while !rest.isEmpty, !atMark() { field.append(rest.removeFirst()) }
                while field.last == 32 { field.removeLast() }
                while field.first == 32 { field.removeFirst() }
            }
            fields.append(field)
            if rest.isEmpty { return .success(fields) }
            rest.removeFirst(mark.count)
        }
    }
}
