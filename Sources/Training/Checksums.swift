import Basics
import Formats

/// `SHA256SUMS` beside the files it speaks of, in the form of `sha256sum`.
enum Checksums {
    static let fileName = "SHA256SUMS"

    static func write(of files: [String], in folder: String) throws {
        let text = try files.map { try line($0, in: folder) + "\n" }.joined()
        try Files.write(text.utf8, to: folder + "/" + fileName)
    }

    /// - Throws: `failed` naming the first file that is missing or not as it was written.
    static func verify(_ files: [String], in folder: String) throws {
        let stored = try Files.read(folder + "/" + fileName)
        let lines = stored.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count == files.count + 1, lines.last!.isEmpty else {
            throw StarlingError(.failed, "is damaged", at: .init(file: folder + "/" + fileName))
        }
        for (file, stored) in zip(files, lines) where try !stored.elementsEqual(line(file, in: folder).utf8) {
            throw StarlingError(.failed, "does not match \(fileName)", at: .init(file: folder + "/" + file))
        }
    }

    /// Checks one file that is about to be read.
    ///
    /// - Throws: `failed` if it is not as it was written, or not listed.
    static func verify(_ file: String, in folder: String) throws {
        let stored = String(decoding: try Files.read(folder + "/" + fileName), as: UTF8.self)
        guard stored.split(separator: "\n").contains(Substring(try line(file, in: folder))) else {
            throw StarlingError(
                .failed, "does not match \(fileName): it is damaged", at: .init(file: folder + "/" + file),
                remedy: "take the model from a copy, or train the run again")
        }
    }

    private static func line(_ file: String, in folder: String) throws -> String {
        try MappedFile(folder + "/" + file).sha256() + "  " + file
    }
}
