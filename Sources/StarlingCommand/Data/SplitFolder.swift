import Starling

/// The folder that a split is written to.
struct SplitFolder {
    let path: String

    /// Every file that a split can have.
    private static let files = ["fold-in.csv", "test.csv", "train.csv", "validation.csv"]

    /// - Throws: `usage` if something stands there, unless it is an earlier split and `overwrite` allows to replace it.
    init(_ output: String, overwrite: Bool) throws {
        path = try OutputFolder(output, overwrite: overwrite, noun: "a split", isPart: { Self.files.contains($0) }).path
    }

    /// The parts that there are, with their file names and JSON keys.
    static func named(_ parts: LogParts) -> [(key: String, file: String, log: InteractionLog)] {
        let all = [
            ("train", "train.csv", parts.train), ("validation", "validation.csv", parts.validation),
            ("fold_in", "fold-in.csv", parts.foldIn), ("test", "test.csv", parts.test),
        ]
        return all.compactMap { key, file, log in log.map { (key, file, $0) } }
    }

    /// Writes all parts aside and moves the folder into place.
    func write(_ parts: LogParts, workers: Workers, cancellation: Cancellation) throws {
        try Files.writeFolderAtomically(to: path) { folder in
            for part in Self.named(parts) {
                try InteractionWriter.write(
                    part.log, to: "\(folder)/\(part.file)", workers: workers, cancellation: cancellation)
            }
        }
    }
}
