#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Files as whole things: read, written aside and moved into place, listed.
///
/// Every failure is a ``StarlingError`` that names the path and the system's reason.
public enum Files {
    public enum Kind: Sendable { case file, directory, other }

    /// What stands at `path`, symbolic links followed; nil when nothing does.
    public static func kind(_ path: String) -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    public static func exists(_ path: String) -> Bool { kind(path) != nil }

    /// Bytes of the file, symbolic links followed; nil when no file is there.
    public static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// The whole file. Works for files without a size, as under `/proc`.
    public static func read(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw systemError("cannot open the file", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { systemRead(file, $0.baseAddress!, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw systemError("cannot read the file", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    public static func readText(_ path: String) throws -> String {
        String(decoding: try read(path), as: UTF8.self)
    }

    /// Writes the file whole or not at all: aside first, synced, then renamed over `path`.
    public static func write(_ bytes: some Collection<UInt8>, to path: String) throws {
        try writeAtomically(to: path) { try $0.write(bytes) }
    }

    /// Lets `body` write a file aside, syncs it and renames it to `path`. Nothing is left if `body` throws.
    public static func writeAtomically(to path: String, _ body: (FileWriter) throws -> Void) throws {
        guard kind(parent(path)) == .directory else {
            throw StarlingError(
                .failed, "the folder \(parent(path)) is not there", at: .init(file: path), remedy: "make it first")
        }
        let aside = path + ".tmp-\(getpid())"
        do {
            let writer = try FileWriter(creating: aside)
            try body(writer)
            try writer.close(synced: true)
            try rename(aside, to: path)
        } catch {
            unlink(aside)
            throw error
        }
        syncDirectory(of: path)
    }

    /// Renames within one file system, replacing a file that stands there.
    public static func rename(_ path: String, to target: String) throws {
        #if canImport(Glibc)
        let status = Glibc.rename(path, target)
        #else
        let status = Darwin.rename(path, target)
        #endif
        guard status == 0 else { throw systemError("cannot move the file to \(target)", path) }
    }

    /// Makes the directory and those above it; no error if it is there.
    public static func makeDirectory(_ path: String) throws {
        if kind(path) == .directory || path.isEmpty { return }
        let parent = Self.parent(path)
        if parent != path { try makeDirectory(parent) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw systemError("cannot make the directory", path)
        }
    }

    /// Removes a file, or a directory with all it holds; no error if it is absent.
    public static func remove(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in try list(path) { try remove(path + "/" + name) }
            guard rmdir(path) == 0 else { throw systemError("cannot remove the directory", path) }
        } else {
            guard unlink(path) == 0 else { throw systemError("cannot remove the file", path) }
        }
    }

    /// Names in a directory, sorted, without `.` and `..`.
    public static func list(_ path: String) throws -> [String] {
        guard let directory = opendir(path) else { throw systemError("cannot list the directory", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The part before the last `/`: `parent("a/b") == "a"`, `parent("b") == "."`, `parent("/b") == "/"`.
    public static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The part after the last `/`.
    public static func name(_ path: String) -> String {
        String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
    }

    /// Forces a directory's entries to disk, so that a rename in it survives a power cut.
    public static func syncDirectory(of path: String) {
        let directory = open(parent(path), O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    /// A `failed` error with the system's reason; `badData` when the file of the user's is not there.
    package static func systemError(
        _ what: String, _ path: String, code: StarlingError.Code = .failed, remedy: String? = nil
    ) -> StarlingError {
        let reason = String(cString: strerror(errno))
        return StarlingError(code, "\(what): \(reason)", at: .init(file: path), remedy: remedy)
    }
}

private func systemRead(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    #if canImport(Glibc)
    Glibc.read(file, buffer, count)
    #else
    Darwin.read(file, buffer, count)
    #endif
}
