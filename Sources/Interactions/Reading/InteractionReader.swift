public import Basics
public import Formats
public import Kernels

/// Interactions that were read, and how it went.
public struct LoadedInteractions: Sendable {
    public let log: InteractionLog
    public let report: IngestionReport
}

/// Reads interactions from text and from NumPy arrays.
///
/// Recognised by content: delimited files with a header that names user and item (`ratings.csv`, RecBole `.inter`), or
/// without one and with 2 columns (`user item` in the order of time), 3 (user, item, value) or 4 (and time), as
/// `u.data` and `ratings.dat`; adjacency lists (`user item item …`). Anything else by ``ReadingOptions/columns``.
///
/// Rows stand in the log in the order of the files and lines. Fields lose the spaces around them; quotes follow RFC
/// 4180 on one line; empty lines are no rows; a fraction of a time is cut off. Ids are strings; a vocabulary whose ids
/// are all canonical integers is sorted by value, any other by UTF-8 bytes.
///
/// NumPy archives (`.npz`, stored or compressed) hold arrays `users` and `items` of one length, integers from 0 on or texts,
/// and perhaps `values` and `times`; names that a header may have (`user_id`, `rating`, …) do as well, and
/// ``ReadingOptions/columns`` names others. Or they hold a SciPy CSR matrix, users × items: ids are the numbers of rows and columns that
/// have entries, values its data, explicit zeros included. Text ids are taken as they are. Or they, and `.npy` files, hold one
/// array of integers, `[n × 2]`: user and item a row, as the “x16x32” sets have them; such files are read in parallel, each
/// through a window, so that beyond the log nothing of them is in memory.
///
/// Mosaic streaming data sets (MDS: folders with an `index.json`) have columns that headers may have,
/// or ``ReadingOptions/columns`` names others: ids are whole numbers or `str`, values and times numbers. Shards are read in
/// parallel, and their hashes are compared.
///
/// `npy-stream:PATH` is a stream of NumPy arrays (version 1.0, back to back) from a file or FIFO, or with `-` from standard input:
/// first the names of the columns, an array of text; then, batch by batch, an array a column in that order; a batch of no rows ends
/// it. Columns are named as those of shards. Ids are whole numbers from 0 on or text; values float32, float64 or integers; times the
/// same, or `datetime64` in `s`, `ms`, `us` or `ns`, which become seconds.
///
/// Several ranks each parse a part of the source (of a stream each its own, whose rows are its part) and exchange what they have
/// read: all return the log, and the report but for its time, that one rank would. What cannot be cut, such as a compressed archive
/// or a table, one of them reads. Each looks for itself whether it has the same files, by size and by a digest of up to 256 MiB of
/// each.
///
/// ```swift
/// let loaded = try InteractionReader.read("ml-latest-small", options: ReadingOptions(), workers: Workers())
/// print(loaded.log.count, loaded.report.lines())
/// ```
public enum InteractionReader {
    /// - Parameters:
    ///   - source: a file, a data set's folder (with `u.data`, `ratings.dat`, `ratings.csv`, one `.inter`, nothing but `.npz`, or
    ///     shards), a glob whose files have one form and are read as one, in sorted order, or a stream.
    ///   - workers: parse in parallel. Nothing in the result depends on their number.
    ///   - progress: called now and then on the calling thread, with what is this rank's part; the total is 0 where it is not known.
    ///   - ranks: those that read together, with the same options; all call this.
    /// - Throws: `badData` that names file, line and column of the lowest line that cannot be read, or what else is
    ///   wrong with the file, or the rank that has other data; `usage` for options that do not fit it; `interrupted` when
    ///   cancelled; `unavailable` if a rank is lost. What one rank throws, all throw.
    /// - Complexity: O(bytes). Beyond the result, memory is that of the chunks at work and the vocabularies.
    public static func read(
        _ source: String, options: ReadingOptions, workers: Workers, cancellation: Cancellation? = nil,
        progress: ((_ bytesDone: Int, _ bytesTotal: Int) -> Void)? = nil, ranks: any Communicator = OneRank()
    ) throws -> LoadedInteractions {
        try read(
            source, options: options, workers: workers, cancellation: cancellation, progress: progress,
            chunkSize: 4 << 20, instructionSet: try ranks.together { try .current() }, ranks: ranks)
    }

    /// The same of shards, wherever they come from.
    /// - Throws: `badData` that names shard and sample; otherwise as the other form.
    public static func read(
        _ folder: MDSFolder, options: ReadingOptions, workers: Workers, cancellation: Cancellation? = nil,
        progress: ((_ bytesDone: Int, _ bytesTotal: Int) -> Void)? = nil, ranks: any Communicator = OneRank()
    ) throws -> LoadedInteractions {
        try load(folder.path, options, workers) {
            try compare(ranks) { try SourceMark(folder) }
            return try MDSReader(
                options: options, workers: workers, cancellation: cancellation, progress: progress,
                windowSize: 1 << 16, ranks: ranks
            ).read(folder)
        }
    }

    /// As above, with chunks of another size and another instruction set, on which nothing in the result depends.
    package static func read(
        _ source: String, options: ReadingOptions, workers: Workers, cancellation: Cancellation? = nil,
        progress: ((_ bytesDone: Int, _ bytesTotal: Int) -> Void)? = nil, chunkSize: Int,
        instructionSet: InstructionSet = .best, ranks: any Communicator = OneRank()
    ) throws -> LoadedInteractions {
        try load(source, options, workers) {
            let found = try ranks.together { try Opened(source, options) }
            try compare(ranks, found.mark)
            switch found {
            case .stream(let path):
                return try StreamReader(
                    options: options, workers: workers, cancellation: cancellation, progress: progress, ranks: ranks
                ).read(path, name: source)
            case .shards(let folder):
                return try MDSReader(
                    options: options, workers: workers, cancellation: cancellation, progress: progress,
                    windowSize: max(1, chunkSize / 64), ranks: ranks
                ).read(folder)
            case .pairs(let files):
                return try PairReader(
                    options: options, workers: workers, cancellation: cancellation, progress: progress,
                    windowSize: max(1, chunkSize / 64), ranks: ranks
                ).read(files)
            case .arrays(let files):
                return try ArrayReader(
                    options: options, workers: workers, cancellation: cancellation, progress: progress,
                    sliceSize: max(1, chunkSize / 16), ranks: ranks
                ).read(files)
            case .text(let files):
                return try TextReader(
                    options: options, workers: workers, cancellation: cancellation, progress: progress,
                    instructionSet: instructionSet, chunkSize: chunkSize, ranks: ranks
                ).read(files)
            }
        }
    }

    /// What a source is, by its name and the beginning of its first file.
    enum Opened {
        case stream(path: String)
        case shards(MDSFolder)
        case pairs([MappedFile])
        case arrays([MappedFile])
        case text([MappedFile])

        init(_ source: String, _ options: ReadingOptions) throws {
            switch try SourceLocator.locate(source) {
            case .stream(let path): self = .stream(path: path)
            case .shards(let folder):
                _ = try options.taken(of: [source])
                self = .shards(folder)
            case .files(let paths):
                let files = try options.taken(of: paths).map { try MappedFile($0) }
                self =
                    try PairReader.reads(files[0], options)
                    ? .pairs(files) : ArrayReader.reads(files[0]) ? .arrays(files) : .text(files)
            }
        }

        func mark() throws -> SourceMark {
            switch self {
            case .stream: .stream
            case .shards(let folder): try SourceMark(folder)
            case .pairs(let files), .arrays(let files), .text(let files): SourceMark(files)
            }
        }
    }

    /// Sees to it that ranks read the same.
    private static func compare(_ ranks: any Communicator, _ mark: () throws -> SourceMark) throws {
        guard ranks.size > 1 else { return }
        try ranks.together(mark).compare(among: ranks)
    }

    /// What more interactions than places of 32 bits make.
    static func tooMany(_ count: Int, _ source: String) -> StarlingError {
        StarlingError(
            .badData, "\(Numerals.grouped(count)) interactions are more than 32 bits count", at: .init(file: source),
            remedy: "train on a part of them: --fraction takes some of several files")
    }

    /// Reads, and merges and leaves out what the options say.
    static func load(
        _ source: String, _ options: ReadingOptions, _ workers: Workers,
        _ read: () throws -> (log: InteractionLog, report: IngestionReport)
    ) throws -> LoadedInteractions {
        let watch = Stopwatch()
        var (log, report) = try read()
        guard log.count < UInt32.max else { throw tooMany(log.count, source) }
        if let policy = options.duplicates {
            do {
                (log, report.duplicatesMerged) = try log.mergingDuplicates(policy, workers: workers)
            } catch var error as StarlingError {
                error.place.file = source
                throw error
            }
        }
        if options.minimumPerUser > 1 || options.minimumPerItem > 1 {
            let (core, removed) = try log.core(perUser: options.minimumPerUser, perItem: options.minimumPerItem)
            log = core
            (report.usersRemoved, report.itemsRemoved) = (removed.users, removed.items)
            report.rowsRemoved = removed.rows
        }
        (report.users, report.items, report.rowsKept) = (log.users.count, log.items.count, log.count)
        report.seconds = watch.seconds
        return LoadedInteractions(log: log, report: report)
    }
}
