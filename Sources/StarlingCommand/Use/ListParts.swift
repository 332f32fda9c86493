import Starling

/// Lists for many users in a folder of files of so many users each. A file is there whole or not at all, so that what was
/// stopped or killed goes on with the first that is missing.
struct ListParts {
    let folder: String
    let partSize: Int
    let export: ListExport
    let users: [UserRow]
    let includeSeen: Bool

    /// What the lists are of, in `lists.json`; lists of another kind are not mixed with them. Property names are its keys.
    struct Description: Codable, Equatable {
        var weights_sha256: String
        var users_sha256: String
        var users, count, part_size: Int
        var include_seen: Bool
        var format: String
    }

    private var parts: Int { (users.count + partSize - 1) / partSize }

    func path(_ part: Int) -> String {
        let digits = String(part)
        return folder + "/part-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + "."
            + export.format.rawValue
    }

    /// - Returns: the seconds that ranking took.
    /// - Throws: `usage` if the folder is there and neither flag allows it, or it holds other lists.
    func write(
        _ description: Description, resume: Bool, overwrite: Bool, _ cancellation: Cancellation
    ) throws -> Double {
        let record = folder + "/lists.json"
        if Files.exists(folder) {
            if overwrite || !resume {
                _ = try OutputFolder(folder, overwrite: overwrite, noun: "lists") { name in
                    name == "lists.json" || name.hasPrefix("part-")
                }
                try Files.remove(folder)
            } else {
                let stored = try JSON.decode(Description.self, from: try Files.read(record), file: record)
                guard stored == description else {
                    throw StarlingError(
                        .usage, "the folder holds lists of another run, of other users or options",
                        at: .init(file: record), remedy: "replace them with --overwrite, or name another folder")
                }
                try Files.removeLeftovers(in: folder)
            }
        }
        if !Files.exists(folder) {
            try Files.makeDirectory(folder)
            try Files.writeAtomically(to: record) { try $0.write(JSON.text(description, pretty: true) + "\n") }
        }
        let bar = ProgressBar("ranking", unit: "users", total: users.count)
        var (seconds, found) = (0.0, 0)
        for part in 0..<parts {
            let range = part * partSize..<min(users.count, (part + 1) * partSize)
            if Files.exists(path(part)) {
                found += 1
                bar.update(done: range.upperBound)
                continue
            }
            if cancellation.isCancelled {
                throw StarlingError(.interrupted, "stopped after \(part) of \(parts) parts", remedy: "--resume goes on")
            }
            seconds += try export.write(
                Array(users[range]), to: path(part), includeSeen: includeSeen, cancellation
            ) { bar.update(done: range.lowerBound + $0) }
        }
        bar.finish(
            "wrote recommendations for \(Numerals.grouped(users.count)) users to \(parts) files in \(folder)"
                + (found > 0 ? ", of which \(found) were there" : ""))
        return seconds
    }
}
