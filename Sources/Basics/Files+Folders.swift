#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension Files {
    /// Names of things being written begin so; whatever bears such a name is left over from a killed process.
    package static let asidePrefix = ".tmp-"

    /// Lets `body` fill a new folder aside, forces every file in it to disk and renames it to `path`: the
    /// folder appears whole or not at all. A folder that stands at `path` is replaced. Nothing is left if
    /// `body` throws, or if the disk is full.
    public static func writeFolderAtomically(to path: String, _ body: (_ aside: String) throws -> Void) throws {
        let aside = parent(path) + "/" + asidePrefix + name(path) + "-\(getpid())"
        let replaced = aside + "-replaced"
        do {
            try remove(aside)
            try makeDirectory(aside)
            try body(aside)
            for name in try list(aside) { try sync(aside + "/" + name) }
            try sync(aside)
            if exists(path) { try rename(path, to: replaced) }
            try rename(aside, to: path)
        } catch {
            try? remove(aside)
            if exists(replaced) && !exists(path) { try? rename(replaced, to: path) }
            throw error
        }
        syncDirectory(of: path)
        try remove(replaced)
    }

    /// Whether `path`, which need not exist, lies in `folder`, symbolic links followed.
    public static func isWithin(_ path: String, _ folder: String) -> Bool {
        guard let inside = resolved(parent(path)), let outside = resolved(folder) else { return false }
        return inside == outside || inside.hasPrefix(outside + "/")
    }

    /// The path from the root, also of what does not exist, such as a pattern; as it is where the current folder cannot be told.
    package static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = resolved(".") else { return path }
        return here + "/" + path
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Removes what killed processes left half written in a folder. To be called by the folder's only writer.
    public static func removeLeftovers(in folder: String) throws {
        for name in try list(folder) where name.hasPrefix(asidePrefix) { try remove(folder + "/" + name) }
    }

    /// Clears away what killed processes left half written of `path`, a file or folder; what was moved aside to be replaced
    /// comes back. What belongs to a process that runs stays.
    public static func removeLeftovers(of path: String) throws {
        let folder = parent(path)
        guard let names = try? list(folder) else { return }
        let (file, aside, replaced) = (name(path) + ".tmp-", asidePrefix + name(path) + "-", "-replaced")
        for name in names {
            guard let prefix = [file, aside].first(where: { name.hasPrefix($0) }) else { continue }
            let isReplaced = prefix == aside && name.hasSuffix(replaced)
            let digits = name.dropFirst(prefix.count).dropLast(isReplaced ? replaced.count : 0)
            guard let process = pid_t(digits), process > 0 else { continue }
            // A new process may have the number of the killed one.
            guard process == getpid() || (kill(process, 0) != 0 && errno == ESRCH) else { continue }
            if isReplaced && !exists(path) {
                try rename(folder + "/" + name, to: path)
            } else {
                try remove(folder + "/" + name)
            }
        }
    }

    /// Bytes that whoever runs this may still write to the disk of a file or folder; nil where the system does not say.
    package static func freeBytes(_ path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// Forces a file's content, or a folder's entries, to disk.
    public static func sync(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw systemError("cannot open the file", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw systemError("cannot write the file to disk", path) }
    }

    /// Makes a new, empty folder below `$TMPDIR` or `/tmp`. The caller removes it.
    public static func makeTemporaryFolder() throws -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/starling-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw systemError("cannot make a temporary folder", base) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
