import ArgumentParser
import Starling

struct DataConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Writes interactions, or tensors, in another format.",
        discussion: """
            Interactions from anything that train reads; the format follows the name of --to, or --form:

              csv, tsv  NAME.csv, NAME.tsv: user, item[, rating][, timestamp]
              npz       NAME.npz: arrays users, items[, values][, times]
              pairs     an NPZ, or NAME.npy, with one array [n × 2] of whole-numbered ids
              csr       an NPZ that scipy.sparse.load_npz opens, users × items
              mds       a folder of Mosaic streaming shards

            Tensors of a .safetensors or .pth file, or of an NPZ if --form safetensors or pth, go to any of these. What is \
            written appears whole or not at all; after a stop or a kill the same command begins anew. Examples:

              starling data convert --data ratings.csv --to ratings.npz
              starling data convert --data ratings.csv --to shards --form mds --compression zstd --hashes xxh3_64
              starling data convert --data SASRec.pth --to SASRec.safetensors
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags

    @Option(help: ArgumentHelp("Write to this file or folder.", valueName: "path"))
    var to: String

    @Option(help: ArgumentHelp("Write this format; by default the name of --to decides.", valueName: "form"))
    var form: ConversionForm?

    @Option(help: ArgumentHelp("Compress: zstd[:level] or gz[:level] for mds, deflate for NPZ.", valueName: "name"))
    var compression: String?

    @Option(help: ArgumentHelp("Keep these hashes of shards in the index of mds, as xxh3_64,sha1.", valueName: "names"))
    var hashes: String?

    @Option(
        help: ArgumentHelp("Begin a new shard of mds before so many bytes. Default: 67108864.", valueName: "bytes"))
    var sizeLimit: Int?

    @Flag(help: "Replace what is there.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of a line.")
    var json = false

    func run() throws {
        let watch = Stopwatch()
        let source = try reading.source()
        let form = try form ?? ConversionForm(ofFile: to)
        let output = try output(form)
        let cancellation = Signals.cancelOnInterrupt()
        let isTensors = TensorConversion.reads(source) || form == .safetensors || form == .pth
        let count =
            isTensors
            ? try TensorConversion(source: source, form: form, cancellation: cancellation)
                .write(form, to: output, deflates(form))
            : try convertInteractions(form, to: output, cancellation)
        let answer = Answer(
            output: output, form: form.rawValue, interactions: isTensors ? nil : count,
            tensors: isTensors ? count : nil, seconds: watch.seconds)
        FileHandles.standardOutput((json ? try JSON.text(answer) : answer.text) + "\n")
    }

    /// Where to write, if it may be written to, and options fit it.
    private func output(_ form: ConversionForm) throws -> String {
        guard form == .mds || hashes == nil && sizeLimit == nil else {
            throw StarlingError(
                .usage, "--hashes and --size-limit are for shards, not for \(form.rawValue)",
                remedy: "leave them out, or write --form mds")
        }
        if form == .mds {
            let isPart = { (name: String) in
                name == MDSIndex.basename || name.hasPrefix("shard.") && name.contains(".mds")
            }
            return try OutputFolder(
                to, option: "--to", overwrite: overwrite, noun: "a data set of shards", isPart: isPart
            )
            .path
        }
        guard Files.kind(to) == nil || overwrite && Files.kind(to) == .file else {
            throw StarlingError(
                .usage, "there is something already", at: .init(file: to),
                remedy: "choose another --to, or give --overwrite to replace a file")
        }
        try Files.removeLeftovers(of: to)
        return to
    }

    private func convertInteractions(
        _ form: ConversionForm, to output: String, _ cancellation: Cancellation
    ) throws -> Int {
        // What cannot be is said before anything is read.
        let (options, deflates) = (try mdsOptions(form), try deflates(form))
        let workers = try makeWorkers(threads)
        let log = try reading.read(workers: workers, cancellation: cancellation).log
        try ProgressBar.during("writing", unit: "interactions") { report in
            func arrays(_ form: InteractionWriter.ArrayForm) throws {
                try InteractionWriter.writeArrays(
                    log, as: form, to: output, compressed: deflates, workers: workers, cancellation: cancellation,
                    progress: report)
            }
            switch form {
            case .csv, .tsv:
                try InteractionWriter.write(
                    log, to: output, separator: form == .csv ? .comma : .tab, workers: workers,
                    cancellation: cancellation, progress: report)
            case .mds:
                try InteractionWriter.writeMDS(
                    log, to: output, options: options, cancellation: cancellation, progress: report)
            case .npz: try arrays(.columns)
            case .pairs: try arrays(.pairs)
            case .csr: try arrays(.sparse)
            case .safetensors, .pth: preconditionFailure("these are tensors")
            }
        }
        return log.count
    }

    private func deflates(_ form: ConversionForm) throws -> Bool {
        guard let compression, compression != "none", form != .mds else { return false }
        guard form.isNPZ, compression == "deflate", !to.lowercased().hasSuffix(".npy") else {
            throw StarlingError(
                .usage, "--compression \(compression) is not for \(form.rawValue)",
                remedy: form.isNPZ ? "an .npz takes deflate" : "leave it out")
        }
        return true
    }

    private func mdsOptions(_ form: ConversionForm) throws -> MDSWriter.Options {
        guard form == .mds else { return .init() }
        return MDSWriter.Options(
            compression: try compression.flatMap { $0 == "none" ? nil : try MDSCompression($0) },
            hashes: try hashes.map { try $0.split(separator: ",").map { try MDSHash(name: String($0)) } } ?? [],
            sizeLimit: sizeLimit ?? 1 << 26)
    }

    /// Property names are the JSON keys.
    private struct Answer: Encodable {
        let output, form: String
        let interactions, tensors: Int?
        let seconds: Double

        var text: String {
            let what = interactions.map { "\(Numerals.grouped($0)) interactions" } ?? "\(tensors!) tensors"
            return "\(what) in \(output), \(Numerals.duration(seconds))"
        }
    }
}

/// The formats that are written.
enum ConversionForm: String, CaseIterable, ExpressibleByArgument {
    case csv, tsv, npz, pairs, csr, mds, safetensors, pth

    /// By the name of the file.
    init(ofFile path: String) throws {
        let name = path.lowercased()
        if let form = [.csv, .tsv, .npz, .safetensors, .pth].first(where: { (form: Self) in
            name.hasSuffix("." + form.rawValue)
        }) {
            self = form
        } else if name.hasSuffix(".npy") {
            self = .pairs
        } else {
            throw StarlingError(
                .usage, "the name \(path) does not say which format to write",
                remedy: "name it .csv, .tsv, .npz, .npy, .safetensors or .pth, or give --form mds, pairs, csr")
        }
    }

    var isNPZ: Bool { [.npz, .pairs, .csr].contains(self) }
}
