import ArgumentParser
import Starling

struct DataConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Writes interactions, or tensors, in another format.",
        discussion: """
            Interactions from anything that train reads; the format follows the name of --to, or --form:

              csv    NAME.csv: user,item[,rating][,timestamp]
              npz    NAME.npz: arrays users, items[, values][, times]
              pairs  an NPZ with one array [n × 2] of whole-numbered ids
              csr    an NPZ that scipy.sparse.load_npz opens, users × items
              mds    a folder of Mosaic streaming shards

            Tensors of a .safetensors or .pth file go to .safetensors or .npz. What is written appears whole or not at \
            all, so after a stop the same command begins anew. Examples:

              starling data convert --data ratings.csv --to ratings.npz
              starling data convert --data ratings.csv --to shards --form mds --compression zstd --hashes xxh3_64
              starling data convert --data SASRec.pth --to SASRec.safetensors
            """)

    enum Form: String, CaseIterable, ExpressibleByArgument { case csv, npz, pairs, csr, mds, safetensors }

    @OptionGroup(title: "Data") var reading: ReadingFlags

    @Option(help: ArgumentHelp("Write to this file or folder.", valueName: "path"))
    var to: String

    @Option(help: ArgumentHelp("Write this format; by default the name of --to decides.", valueName: "form"))
    var form: Form?

    @Option(help: ArgumentHelp("Compress: zstd[:level] or gz[:level] for mds, deflate for NPZ.", valueName: "name"))
    var compression: String?

    @Option(help: ArgumentHelp("Keep these hashes of shards in the index of mds, as xxh3_64,sha1.", valueName: "names"))
    var hashes: String?

    @Option(help: ArgumentHelp("Begin a new shard of mds before so many bytes.", valueName: "bytes"))
    var sizeLimit: Int = 1 << 26

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
        let (source, form) = (try reading.source(), try chosenForm())
        let kind = Files.kind(to)
        guard kind == nil || overwrite && (kind == .directory) == (form == .mds) else {
            throw StarlingError(
                .usage, "there is something already", at: .init(file: to),
                remedy: "choose another --to, or give --overwrite to replace what --form would write")
        }
        if overwrite, form == .mds, kind == .directory, !Files.exists(to + "/" + MDSIndex.basename) {
            throw StarlingError(
                .usage, "the folder is no data set of shards, and is not replaced", at: .init(file: to),
                remedy: "choose another --to")
        }
        let isTensors = [".pth", ".pt", ".safetensors"].contains { source.lowercased().hasSuffix($0) }
        let count = isTensors ? try convertTensors(source, form) : try convertInteractions(form)
        let answer = Answer(
            output: to, form: form.rawValue, interactions: isTensors ? nil : count, tensors: isTensors ? count : nil,
            seconds: watch.seconds)
        FileHandles.standardOutput((json ? try JSON.text(answer) : answer.text) + "\n")
    }

    private func chosenForm() throws -> Form {
        if let form { return form }
        let name = to.lowercased()
        for form in [Form.csv, .npz, .safetensors] where name.hasSuffix("." + form.rawValue) { return form }
        throw StarlingError(
            .usage, "the name \(to) does not say which format to write",
            remedy: "name it .csv, .npz or .safetensors, or give --form mds, pairs, csr")
    }

    private func convertInteractions(_ form: Form) throws -> Int {
        let options = try form == .mds ? mdsOptions() : nil
        let deflates = try form == .mds ? false : deflates()
        guard form != .safetensors else {
            throw StarlingError(
                .usage, "safetensors hold tensors, and these are interactions",
                remedy: "use csv, npz, pairs, csr or mds")
        }
        let (workers, cancellation) = (try makeWorkers(threads), Signals.cancelOnInterrupt())
        let log = try reading.read(workers: workers, cancellation: cancellation).log
        switch form {
        case .csv: try InteractionWriter.write(log, to: to, workers: workers, cancellation: cancellation)
        case .mds: try InteractionWriter.writeMDS(log, to: to, options: options!, cancellation: cancellation)
        default:
            let forms: [Form: InteractionWriter.ArrayForm] = [.npz: .columns, .pairs: .pairs, .csr: .sparse]
            try InteractionWriter.writeArrays(
                log, as: forms[form]!, to: to, compressed: deflates, workers: workers, cancellation: cancellation)
        }
        return log.count
    }

    private func convertTensors(_ source: String, _ form: Form) throws -> Int {
        let views: [TensorView]
        if source.lowercased().hasSuffix(".safetensors") {
            let file = try SafeTensorsFile(source)
            views = try file.names.map { try file.tensor($0) }
        } else {
            let file = try PTHFile(source)
            views = try file.names.map { try file.tensor($0) }
        }
        let tensors = views.map { view in
            TensorSource(name: view.name, elementType: view.elementType, shape: view.shape) { sink in
                try view.withUnsafeBytes(sink)
            }
        }
        switch form {
        case .safetensors: try SafeTensors.write(tensors, to: to)
        case .npz:
            if let odd = views.first(where: { !NPYElement.holds($0.elementType) }) {
                throw StarlingError(
                    .badData, "tensor “\(odd.name)” is of \(odd.elementType.rawValue), which is not written for NumPy",
                    at: .init(file: source),
                    remedy: "convert to .safetensors")
            }
            try NPZ.write(tensors.map(NPYSource.init), to: to, compressed: try deflates())
        default:
            throw StarlingError(
                .usage, "\(source) holds tensors, which \(form.rawValue) cannot", remedy: "use .npz or .safetensors")
        }
        return tensors.count
    }

    private func deflates() throws -> Bool {
        guard let compression, compression != "none" else { return false }
        guard compression == "deflate" else {
            throw StarlingError(.usage, "an NPZ knows no “\(compression)”", remedy: "use --compression deflate")
        }
        return true
    }

    private func mdsOptions() throws -> MDSWriter.Options {
        MDSWriter.Options(
            compression: try compression.flatMap { $0 == "none" ? nil : try MDSCompression($0) },
            hashes: try hashes.map { try $0.split(separator: ",").map { try MDSHash(name: String($0)) } } ?? [],
            sizeLimit: sizeLimit)
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
