import Basics
import Formats

/// A file of attributes, cut into fields. Such files are small: they are read whole.
struct CatalogTable {
    enum Kind { case items, users }

    enum Form {
        /// `movies.dat`, `users.dat`.
        case doubleColon
        /// `u.item`, `u.user`.
        case pipes
        case header(names: [String], isTyped: Bool)
    }

    struct Row {
        let line: Int
        let fields: [String]
    }

    let path: String
    let form: Form
    let rows: [Row]

    init(_ path: String, kind: Kind) throws {
        self.path = path
        let sample = try TextSample(try MappedFile(path))
        let first = String(decoding: sample.lines[0].text, as: UTF8.self)
        let separator: String
        var hasHeader = false
        if first.contains("::") {
            (separator, form) = ("::", .doubleColon)
        } else if first.split(separator: "|", omittingEmptySubsequences: false).count == (kind == .items ? 24 : 5) {
            (separator, form) = ("|", .pipes)
        } else {
            separator = first.contains("\t") ? "\t" : first.contains(",") || !first.contains(";") ? "," : ";"
            var splitter = FieldSplitter(separator: Array(separator.utf8))
            let names = sample.fields(sample.lines[0], &splitter) ?? []
            form = .header(names: names, isTyped: names.contains { HeaderNames.untyped($0) != nil })
            hasHeader = true
        }
        let width: Int
        switch form {
        case .doubleColon: width = kind == .items ? 3 : 5
        case .pipes: width = kind == .items ? 24 : 5
        case .header(let names, _): width = names.count
        }
        rows = try Self.rows(sample, Array(separator.utf8), width, from: hasHeader ? 1 : 0)
    }

    private static func rows(_ sample: TextSample, _ separator: [UInt8], _ width: Int, from first: Int) throws -> [Row]
    {
        let bytes = sample.file.bytes.bindMemory(to: UInt8.self)
        // RecBole's fields may begin with a quote that means nothing: only comma-separated files quote.
        let quotes = separator == [UInt8(ascii: ",")] || separator == [UInt8(ascii: ";")]
        let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
        var splitter = FieldSplitter(separator: separator)
        var rows: [Row] = []
        var line = sample.lines[0].number
        var skips = first
        for text in bytes[sample.lines[0].range.lowerBound...].split(separator: 10, omittingEmptySubsequences: false) {
            defer { line += 1 }
            let trimmed = text.last == 13 ? text.dropLast() : text
            if trimmed.isEmpty { continue }
            if skips > 0 {
                skips -= 1
                continue
            }
            func refuse(_ what: String) -> StarlingError {
                StarlingError(
                    .badData, what, at: .init(file: sample.file.path, line: line), remedy: "correct the line")
            }
            let fields: [String]
            if quotes {
                let whole = UnsafeBufferPointer(rebasing: trimmed)
                do { try splitter.split(whole) } catch { throw refuse("the quotes do not match") }
                fields = splitter.fields.map { splitter.withBytes(of: $0, in: whole) { decode($0, isUTF8) } }
            } else {
                fields = decode(trimmed, isUTF8).split(
                    separator: String(decoding: separator, as: UTF8.self), omittingEmptySubsequences: false
                ).map(String.init)
            }
            guard fields.count == width else {
                throw refuse("\(fields.count) fields where \(width) are expected")
            }
            rows.append(Row(line: line, fields: fields))
        }
        return rows
    }

    private static func decode(_ bytes: some Collection<UInt8>, _ isUTF8: Bool) -> String {
        if isUTF8 { return String(decoding: bytes, as: UTF8.self) }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
