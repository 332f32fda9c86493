import Basics
import Formats

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Finds what a `--data` source names.
enum SourceLocator {
    enum Found {
        /// Files of one form, to be read as one.
        case files([String])
        case shards(MDSFolder)
        /// A file, FIFO, or `-` for standard input, that holds a stream of NumPy arrays.
        case stream(path: String)
    }

    /// One file; the interactions in a data set's folder; the files of a glob, sorted; a folder of shards; or a stream,
    /// `npy-stream:PATH`.
    ///
    /// - Throws: `usage` for sources of a kind that cannot be read yet; `badData` where nothing is found.
    static func locate(_ source: String) throws -> Found {
        if source.lowercased().hasPrefix(streamScheme) {
            let path = String(source.dropFirst(streamScheme.count))
            guard !path.isEmpty else {
                throw StarlingError(
                    .usage, "\(source) names no stream",
                    remedy: "write \(streamScheme)- for standard input, or \(streamScheme)PATH for a FIFO")
            }
            return .stream(path: path)
        }
        if let kind = laterKind(source) {
            throw StarlingError(
                // The source may hold a password: it is not repeated.
                .usage, "reading \(kind) is not yet available",
                remedy:
                    "name a text file, a folder or a glob, or a folder of shards at https://, s3:// or dbfs:/Volumes/")
        }
        switch Files.kind(source) {
        case .directory: return try shards(in: source).map { .shards($0) } ?? .files(try interactions(inFolder: source))
        case .file, .other: return .files([source])
        case nil: break
        }
        guard source.contains(where: { "*?[".contains($0) }) else {
            throw StarlingError(
                .badData, "there is no such file or folder", at: .init(file: source), remedy: "check the path")
        }
        let found = try glob(source).filter { Files.kind($0) == .file }
        guard !found.isEmpty else {
            throw StarlingError(.badData, "no file matches", at: .init(file: source), remedy: "check the pattern")
        }
        return .files(found)
    }

    private static let streamScheme = "npy-stream:"

    /// The data set of shards that a folder holds, if its index is there.
    private static func shards(in folder: String) throws -> MDSFolder? {
        let path = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        return Files.exists(path + "/" + MDSIndex.basename) ? try MDSFolder(path) : nil
    }

    private static func laterKind(_ source: String) -> String? {
        let lower = source.lowercased()
        let schemes = [
            ("sqlite:", "SQLite"), ("postgres:", "PostgreSQL"), ("postgresql:", "PostgreSQL"),
            ("supabase:", "Supabase"),
        ]
        for (prefix, name) in schemes where lower.hasPrefix(prefix) { return name }
        if let mark = lower.firstRange(of: "://") {
            let scheme = lower[..<mark.lowerBound]
            if !scheme.isEmpty, scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) {
                return "from such an address"
            }
        }
        return nil
    }

    private static let known = ["u.data", "ratings.dat", "ratings.csv"]

    private static func interactions(inFolder folder: String) throws -> [String] {
        let names = try Files.list(folder).filter { !$0.hasPrefix(".") }
        let path = folder.hasSuffix("/") ? folder : folder + "/"
        if let name = known.first(where: names.contains) { return [path + name] }
        let inter = names.filter { $0.hasSuffix(".inter") }
        if inter.count == 1 { return [path + inter[0]] }
        if inter.count > 1 {
            throw StarlingError(
                .badData, "the folder holds several .inter files: \(inter.joined(separator: ", "))",
                at: .init(file: folder), remedy: "name one of them")
        }
        if names.contains(ExpansionRecord.unfinishedName) {
            throw StarlingError(
                .badData, "is an expansion that is not finished", at: .init(file: folder),
                remedy: "finish it with the same starling data expand and --resume")
        }
        // A part of a set of pairs.
        if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npz") }) || names.allSatisfy({ $0.hasSuffix(".npy") }) {
            return names.map { path + $0 }
        }
        if try PartFolders(in: folder) != nil {
            throw StarlingError(
                .badData, "is a folder of training data and what is held out of it", at: .init(file: folder),
                remedy: "train on it with --split folders, or name one of its folders")
        }
        throw StarlingError(
            .badData,
            "is a folder that holds none of \(known.joined(separator: ", ")) or *.inter, nor \(MDSIndex.basename) of shards",
            at: .init(file: folder), remedy: "name the file that holds the interactions")
    }

    private static func glob(_ pattern: String) throws -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        #if canImport(Glibc)
        let status = Glibc.glob(pattern, 0, nil, &found)
        #else
        let status = Darwin.glob(pattern, 0, nil, &found)
        #endif
        guard status == 0 || status == GLOB_NOMATCH else {
            throw StarlingError(.badData, "the folders of the pattern cannot be read", at: .init(file: pattern))
        }
        return (0..<Int(found.gl_pathc)).map { String(cString: found.gl_pathv[$0]!) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
