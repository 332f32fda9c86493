import Basics
import Formats
import Kernels

/// Reads text files of one form into a log: cuts them into chunks, counts lines to know each chunk's place in the
/// columns, parses chunks in parallel straight into it, then turns ids into rows. That every line is a row is a guess, too:
/// else the gaps are closed afterwards. Several ranks each do so with their part of the bytes, and tell each other of its lines.
struct TextReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    let instructionSet: InstructionSet
    /// Bytes a chunk, about. The result does not depend on it.
    let chunkSize: Int
    let ranks: any Communicator

    private struct Chunk {
        let file: Int
        let lines: LineGrid.Chunk
        /// Lines in the files and chunks before it.
        let ordinal: Int
        /// Rows that it may have, at most.
        var capacity: Int
    }

    func read(_ files: [MappedFile]) throws -> (log: InteractionLog, report: IngestionReport) {
        let (form, chunks, lineCount) = try cut(files)
        var starts: [Int] = []
        var capacity = 0
        for chunk in chunks {
            starts.append(capacity)
            capacity += chunk.capacity
        }
        guard lineCount > 0 else {
            let what = form.header == nil ? "the file holds no rows" : "the file holds a header and no rows"
            throw StarlingError(
                .badData, what, at: .init(file: files[0].path), remedy: "name a file that holds interactions")
        }
        var columns = LogColumns(capacity: max(1, capacity), hasValues: form.value != nil, hasTimes: form.hasTimes)
        let parsed = try ranks.together { try parse(files, form, chunks, starts, &columns) }
        return try columns.log(
            of: parsed, starts: starts, format: form.name, files: files.map(\.path),
            remedy: "name the form with --columns and --separator", workers: workers, ranks: ranks)
    }

    /// Recognises the form of the files, which must be one, and cuts them into chunks, of which this rank has some.
    private func cut(_ files: [MappedFile]) throws -> (TextForm, [Chunk], lineCount: Int) {
        let (form, beginnings) = try ranks.together {
            let (form, start, line) = try TextForm.recognise(files[0], options)
            let further = try files.dropFirst().map { try Self.beginning(of: $0, like: form, in: files[0].path) }
            return (form, [(start: start, line: line)] + further)
        }
        var cuts: [(file: Int, range: Range<Int>)] = []
        for (index, file) in files.enumerated() {
            cuts += LineGrid.cuts(beginnings[index].start..<file.bytes.count, size: chunkSize).map { (index, $0) }
        }
        cuts = Array(cuts[ranks.share(of: cuts.map(\.range.count))])
        let found = try ranks.together {
            try map(cuts.count) { index, _ in
                let (file, range) = (files[cuts[index].file], cuts[index].range)
                let found = LineGrid.Cut(file.bytes, range, instructionSet)
                file.release(range)
                return found
            }
        }
        var parts = LineParts()
        for (cut, lines) in zip(cuts, found) {
            parts.add(lines, of: cut.file, isLast: cut.range.upperBound == files[cut.file].bytes.count)
        }
        let places = try parts.places(beginnings, ends: files.map(\.bytes.count), among: ranks)
        var chunks: [Chunk] = []
        for (index, place) in places.own.enumerated() {
            let part = parts.own[index]
            let end = part.isLast ? files[part.file].bytes.count : place.start
            var ordinal = place.ordinal
            for lines in LineGrid(cuts: parts.cuts[index], from: place.start, to: end, firstLine: place.line).chunks {
                chunks.append(
                    Chunk(
                        file: part.file, lines: lines, ordinal: ordinal,
                        capacity: lines.lineCount * (1 + form.moreItems.count)))
                ordinal += lines.lineCount
            }
        }
        guard form.kind == .lists else { return (form, chunks, places.lineCount) }
        let fields = try ranks.together { try countFields(files, chunks, form.separator[0]) }
        for chunk in chunks.indices { chunks[chunk].capacity = fields[chunk] }
        return (form, chunks, places.lineCount)
    }

    /// Fields of each chunk of lists.
    private func countFields(_ files: [MappedFile], _ chunks: [Chunk], _ separator: UInt8) throws -> [Int] {
        try map(chunks.count) { chunk, _ in
            let bytes = files[chunks[chunk].file].bytes
            var fields = 0
            var isWithin = false
            for position in chunks[chunk].lines.range {
                let isField = bytes[position] != separator && bytes[position] != 10
                if isField && !isWithin { fields += 1 }
                isWithin = isField
            }
            return fields
        }
    }

    /// Where a further file's rows begin.
    private static func beginning(
        of file: MappedFile, like form: TextForm, in firstPath: String
    ) throws -> (start: Int, line: Int) {
        let first = try TextSample(file).lines[0]
        guard let header = form.header else { return (first.range.lowerBound, first.number) }
        guard first.text.elementsEqual(header) else {
            throw StarlingError(
                .badData, "the header is not that of \(firstPath)", at: .init(file: file.path, line: first.number),
                remedy: "read files of different form one by one")
        }
        return (first.next, first.number + 1)
    }

    private func parse(
        _ files: [MappedFile], _ form: TextForm, _ chunks: [Chunk], _ starts: [Int], _ columns: inout LogColumns
    ) throws -> [ParsedChunk] {
        let parsing = ChunkedParsing(workers: workers, cancellation: cancellation, progress: progress)
        return try parsing.run(
            starts: starts, bytes: chunks.reduce(0) { $0 + $1.lines.range.count },
            interning: (form.hasTextUsers, form.hasTextItems), into: &columns
        ) { index, task in
            let chunk = chunks[index]
            let file = files[chunk.file]
            let range = chunk.lines.range
            var parser = ChunkParser(
                form: form, file: file.path, skipsBadRows: options.skipsBadRows, output: task.output,
                isTerminated: chunk.lines.isTerminated, readable: file.bytes.assumingMemoryBound(to: UInt8.self),
                instructionSet: instructionSet, line: chunk.lines.firstLine, ordinal: chunk.ordinal,
                users: task.users, items: task.items)
            try parser.parse(
                UnsafeRawBufferPointer(rebasing: file.bytes[range]).assumingMemoryBound(to: UInt8.self))
            file.release(range)
            _ = try task.goesOn(after: range.count)
            return ParsedChunk(rows: parser.rows, tally: parser.tally, users: parser.users, items: parser.items)
        }
    }

    /// The results of `body` for `0..<count`, worked out in parallel.
    private func map<Element>(_ count: Int, _ body: (_ index: Int, _ worker: Int) throws -> Element) throws -> [Element]
    {
        var results = [Element?](repeating: nil, count: count)
        try results.withUnsafeMutableBufferPointer { results in
            try workers.forEach(count) { index, worker in
                if let cancellation, cancellation.isCancelled {
                    throw StarlingError(.interrupted, "reading was stopped")
                }
                results[index] = try body(index, worker)
            }
        }
        return results.map { $0! }
    }
}
