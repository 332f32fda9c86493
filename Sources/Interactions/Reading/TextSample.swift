import Basics
import Formats

/// The beginning of a text file: at most 64 KiB of whole lines, or the first line if that is longer.
struct TextSample {
    struct Line {
        let range: Range<Int>
        /// From 1.
        let number: Int
        /// Where the next line begins.
        let next: Int
        let text: UnsafeBufferPointer<UInt8>
    }

    let file: MappedFile
    /// Lines with content, ends taken off.
    let lines: [Line]

    /// - Throws: `badData` for a file that is empty, holds only line ends, is UTF-16 or is compressed.
    init(_ file: MappedFile) throws {
        self.file = file
        let bytes = file.bytes
        func refuse(_ what: String, _ remedy: String) -> StarlingError {
            StarlingError(.badData, what, at: .init(file: file.path), remedy: remedy)
        }
        guard !bytes.isEmpty else { throw refuse("the file is empty", "name a file that holds interactions") }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw refuse("the file is UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8")
        }
        if bytes.starts(with: [0x1F, 0x8B]) { throw refuse("the file is compressed with gzip", "unpack it: gunzip") }
        if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
            throw refuse(
                "the file is a single NumPy array",
                "save users and items together: numpy.savez(file, users=…, items=…)")
        }
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) { throw refuse("the file is a zip archive", "unpack it: unzip") }

        var lines: [Line] = []
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var number = 1
        while start < bytes.count, start < 1 << 16 || lines.isEmpty {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
            if end > 1 << 16, !lines.isEmpty { break }
            var last = end
            if last > start, bytes[last - 1] == UInt8(ascii: "\r") { last -= 1 }
            if last > start {
                let text = UnsafeRawBufferPointer(rebasing: bytes[start..<last]).assumingMemoryBound(to: UInt8.self)
                lines.append(Line(range: start..<last, number: number, next: min(end + 1, bytes.count), text: text))
            }
            start = end + 1
            number += 1
        }
        guard !lines.isEmpty else { throw refuse("the file holds only line ends", "name a file that holds rows") }
        self.lines = lines
    }

    /// The fields of a line, or nil if its quotes are broken.
    func fields(_ line: Line, _ splitter: inout FieldSplitter) -> [String]? {
        do {
            try splitter.split(line.text)
        } catch {
            return nil
        }
        return splitter.fields.map { field in
            splitter.withBytes(of: field, in: line.text) { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The fields of all lines; a line with broken quotes has none.
    func rows(separator: [UInt8]) -> [[String]] {
        var splitter = FieldSplitter(separator: separator)
        return lines.map { fields($0, &splitter) ?? [] }
    }
}

extension [[String]] {
    /// The commonest number of fields, of equally common ones the greatest, and the share of lines that have it.
    var modalCount: (count: Int, share: Double) {
        var lines: [Int: Int] = [:]
        for row in self { lines[row.count, default: 0] += 1 }
        let modal = lines.max { ($0.value, $0.key) < ($1.value, $1.key) }!
        return (modal.key, Double(modal.value) / Double(count))
    }
}
