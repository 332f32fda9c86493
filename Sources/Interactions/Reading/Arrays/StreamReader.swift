import Basics
import Formats
import Kernels

/// Reads interactions from a stream of NumPy arrays, as another process writes them to a pipe: the names of the columns, an array
/// of text; then, batch by batch, an array a column in that order, all of one length; at last a batch of no rows.
///
/// Several ranks each read a stream of their own, whose rows are their part of the log. Beyond the log, a batch is in memory.
struct StreamReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    let ranks: any Communicator

    /// - Throws: `badData` that names batch, column and row.
    func read(_ path: String, name: String) throws -> (log: InteractionLog, report: IngestionReport) {
        var (rows, format) = try ranks.together {
            var batches = try StreamBatches(path, name: name, options, cancellation)
            var rows = CollectedRows(batches.names)
            while let table = try batches.next() {
                try take(table, &rows)
                progress?(batches.byteCount, 0)
            }
            return (rows, "stream of NumPy arrays: " + batches.names.description)
        }
        return try rows.log(
            format: format, location: name, remedy: "write rows before the batch that has none", workers: workers,
            ranks: ranks)
    }

    private func take(_ table: ArrayTable, _ rows: inout CollectedRows) throws {
        var columns = LogColumns(capacity: table.count, hasValues: rows.hasValues, hasTimes: rows.hasTimes)
        try columns.withPointers { output in
            var parsed = try parse(table, output, rows)
            while parsed.users.hasMetText || parsed.items.hasMetText {
                if parsed.users.hasMetText { rows.users.makeTexts() }
                if parsed.items.hasMetText { rows.items.makeTexts() }
                parsed = try parse(table, output, rows)
            }
            rows.users.take(UnsafeMutableBufferPointer(start: output.users, count: parsed.rows), of: parsed.users)
            rows.items.take(UnsafeMutableBufferPointer(start: output.items, count: parsed.rows), of: parsed.items)
            if let values = output.values {
                rows.values.append(contentsOf: UnsafeBufferPointer(start: values, count: parsed.rows))
            }
            if let times = output.times {
                rows.times.append(contentsOf: UnsafeBufferPointer(start: times, count: parsed.rows))
            }
            rows.tally.add(parsed.tally)
        }
    }

    private func parse(_ table: ArrayTable, _ output: ColumnPointers, _ rows: CollectedRows) throws -> ParsedChunk {
        var parser = ArrayParser(
            table, output: output, users: IDSink(isInterning: rows.users.sink.isInterning),
            items: IDSink(isInterning: rows.items.sink.isInterning))
        try parser.parse(0..<table.count, skipsBadRows: options.skipsBadRows)
        return parser.chunk
    }
}

/// The batches of a stream.
struct StreamBatches {
    let names: NamedColumns
    private let name: String
    private let columns: [String]
    private let pipe: NPYPipe
    private var number = 0
    private var rows = 0

    /// Reads the names.
    ///
    /// - Throws: `usage` for options that do not fit; `badData` if no names come, or not those of users and items.
    init(_ path: String, name: String, _ options: ReadingOptions, _ cancellation: Cancellation?) throws {
        guard options.separator == nil, options.fraction == 1 else {
            throw StarlingError(
                .usage, "--separator and --fraction have no meaning for a stream", at: .init(file: name),
                remedy: "leave them out")
        }
        pipe = try NPYPipe(path, name: name, cancellation: cancellation)
        self.name = name
        func wrong(_ what: String) -> StarlingError {
            StarlingError(
                .badData, what, at: .init(file: name),
                remedy: "write the names of the columns first, an array of text: user, item and perhaps value and time")
        }
        guard let first = try pipe.next("names", part: "names of the columns") else {
            throw wrong("the stream is empty")
        }
        guard case .unicode = first.element, first.shape.count == 1 else {
            throw wrong("it begins with \(first.element) \(first.shape), the names of its columns are expected")
        }
        let columns = try first.strings()
        if let twice = columns.first(where: { column in columns.count { $0 == column } > 1 }) {
            throw wrong("the column “\(twice)” is there twice")
        }
        self.columns = columns
        names = try NamedColumns(
            columns, options.columns,
            of: .init(path: name, noun: "column", whole: "stream", remedy: "name columns user, item, value, time"))
    }

    /// Bytes that were read.
    var byteCount: Int { pipe.byteCount }

    /// The next batch; nil at the end of the stream.
    ///
    /// - Throws: `badData` naming batch and column.
    mutating func next() throws -> ArrayTable? {
        number += 1
        var arrays: [String: NPYArray] = [:]
        var count: Int?
        for column in columns {
            let part = "batch \(number), column “\(column)”"
            guard let array = try pipe.next(column, part: part) else {
                throw wrong(
                    part, "the stream ends before it, and without the batch of no rows that says so",
                    "see why its writer stopped")
            }
            guard array.shape.count == 1 else {
                throw wrong(part, "its shape is \(array.shape), one axis is expected", "write arrays of one axis")
            }
            guard count == nil || array.count == count else {
                throw wrong(
                    part, "it has \(array.count) rows, and “\(columns[0])” has \(count ?? 0)",
                    "write arrays of one length")
            }
            count = array.count
            if array.count > 0 { try check(array, part) }
            arrays[column] = array
        }
        guard let count, count > 0 else { return nil }
        defer { rows += count }
        return ArrayTable(
            ArrayTable.Batch(number: number, firstRow: rows), of: name, users: arrays[names.user]!,
            items: arrays[names.item]!, values: names.value.map { arrays[$0]! }, times: names.time.map { arrays[$0]! })
    }

    /// Sees to it that a column is of a type that it may have; what is no column of interactions may be of any.
    private func check(_ array: NPYArray, _ part: String) throws {
        let isTime = array.ticksPerSecond != nil
        let (isInteger, isFloat) =
            if case .number(let type) = array.element {
                (type.isInteger && !isTime, [.float32, .float64].contains(type))
            } else { (false, false) }
        let expected: String? =
            switch array.name {
            case names.user, names.item:
                if case .unicode = array.element { nil } else { isInteger ? nil : "integers or text are" }
            case names.value: isInteger || isFloat ? nil : "float32, float64 or integers are"
            case names.time: isInteger || isFloat || isTime ? nil : "int64 or datetime64 is"
            default: nil
            }
        guard let expected else { return }
        let shown = isTime ? "datetime64" : "\(array.element)"
        throw wrong(part, "it holds \(shown), \(expected) expected", "convert the column with astype")
    }

    private func wrong(_ part: String, _ what: String, _ remedy: String) -> StarlingError {
        StarlingError(.badData, "\(part): \(what)", at: .init(file: name), remedy: remedy)
    }
}
