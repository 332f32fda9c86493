import Starling

/// Tensors on their way from one file to another, one after another.
struct TensorConversion {
    private let source: String
    private let tensors: [TensorSource]
    /// Of safetensors.
    private let metadata: [String: String]
    private let cancellation: Cancellation

    /// Whether a file holds tensors, by its name.
    static func reads(_ source: String) -> Bool {
        [".pth", ".pt", ".safetensors"].contains { source.lowercased().hasSuffix($0) }
    }

    /// Opens a `.safetensors`, `.pth` or `.npz` file; data are not touched yet.
    init(source: String, form: ConversionForm, cancellation: Cancellation) throws {
        (self.source, self.cancellation) = (source, cancellation)
        let name = source.lowercased()
        if name.hasSuffix(".safetensors") {
            let file = try SafeTensorsFile(source)
            (tensors, metadata) = (file.sources(), file.metadata)
        } else if name.hasSuffix(".npz") {
            (tensors, metadata) = (try NPZFile(source).sources(), [:])
        } else if Self.reads(source) {
            (tensors, metadata) = (try PTHFile(source).sources(), [:])
        } else {
            throw StarlingError(
                .usage, "\(form.rawValue) holds tensors, and \(source) is no .pth, .safetensors or .npz",
                remedy: "use csv, tsv, npz, pairs, csr or mds for interactions")
        }
    }

    /// Writes all tensors; their number.
    func write(_ form: ConversionForm, to output: String, _ compressed: Bool) throws -> Int {
        try ProgressBar.during("writing", unit: "B") { report in
            let total = tensors.reduce(0) { $0 + $1.byteCount }
            var done = 0
            let observed = tensors.map { tensor in
                tensor.observed { bytes in
                    if cancellation.isCancelled { throw StarlingError(.interrupted, "stopped while writing \(output)") }
                    done += bytes
                    report(done, total)
                }
            }
            switch form {
            case .safetensors:
                guard !tensors.contains(where: { $0.name == "__metadata__" }) else {
                    throw unheld("__metadata__", "has a name that safetensors keep for themselves", "convert to .npz")
                }
                try SafeTensors.write(observed, metadata: metadata, to: output)
            case .npz:
                if let odd = tensors.first(where: { !NPYElement.holds($0.elementType) }) {
                    throw unheld(
                        odd.name, "is of \(odd.elementType.rawValue), which is not written for NumPy",
                        "convert to .safetensors")
                }
                try NPZ.write(observed, to: output, compressed: compressed)
            case .pth: try PTH.write(observed, to: output)
            default:
                throw StarlingError(
                    .usage, "\(source) holds tensors, which \(form.rawValue) cannot",
                    remedy: "use .npz, .safetensors or .pth")
            }
            return tensors.count
        }
    }

    private func unheld(_ name: String, _ what: String, _ remedy: String) -> StarlingError {
        StarlingError(.badData, "tensor “\(name)” \(what)", at: .init(file: source), remedy: remedy)
    }
}
