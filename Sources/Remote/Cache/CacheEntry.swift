import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One file's place in the cache: its content, and beside it, marked by `~`, what belongs to it.
struct CacheEntry: Sendable {
    /// Where the content lies when it is there. The time of its last change is that of its last use.
    let path: String

    /// - Parameter folder: that of the place.
    init(_ name: String, in folder: String) {
        var escaped = ""
        for character in name.unicodeScalars {
            switch character {
            case "%": escaped += "%25"
            case "/": escaped += "%2F"
            case "~": escaped += "%7E"
            default: escaped.unicodeScalars.append(character)
            }
        }
        // The longest name that file systems take is 255 bytes; a leading point would hide a file.
        if escaped.utf8.count > 200 || escaped.hasPrefix(".") {
            let tail = String(decoding: Array(escaped.utf8.suffix(80)).drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
            escaped = Signature4.hash(name).prefix(40) + "-" + tail
        }
        path = folder + "/" + escaped
    }

    init(path: String) { self.path = path }

    var lockPath: String { path + "~lock" }
    /// What has come of a download.
    var partPath: String { path + "~part" }

    /// What is known of the content, or of the partial one.
    struct Note: Codable {
        /// What the server calls this state of the file: an entity tag or a date.
        var validator: String?
        /// In bytes.
        var size: Int?
    }

    /// Of the content; without anything if it cannot be read.
    var note: Note {
        get { CacheEntry.read(path + "~note") }
        nonmutating set { CacheEntry.write(newValue, to: path + "~note") }
    }

    /// Of the partial content.
    var partNote: Note {
        get { CacheEntry.read(path + "~part-note") }
        nonmutating set { CacheEntry.write(newValue, to: path + "~part-note") }
    }

    private static func read(_ path: String) -> Note {
        guard let bytes = try? Files.read(path) else { return Note() }
        return (try? JSON.decode(Note.self, from: bytes, file: path)) ?? Note()
    }

    /// A note that cannot be written, or is cut short, costs a download and nothing else.
    private static func write(_ note: Note, to path: String) {
        guard let bytes = try? JSON.bytes(note), let writer = try? FileWriter(creating: path) else { return }
        try? writer.write(bytes)
        try? writer.close(synced: false)
    }

    /// The number by which the system knows the content; it changes when the content is replaced. Nil if it is not there,
    /// or has another size than it should.
    func identity(size: Int?) -> UInt64? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return size == nil || size == Int(status.st_size) ? UInt64(status.st_ino) : nil
    }

    /// Counts as used now.
    func touch() { _ = utimes(path, nil) }

    /// Bytes of the partial content, 0 if there is none.
    var partSize: Int { Files.size(partPath) ?? 0 }

    /// Makes the partial content, which is complete, the content. The lock must be held.
    func commit(_ note: Note) throws {
        // In this order: a note that belongs to nothing is harmless, one that belongs to other content is not.
        unlink(path + "~note")
        unlink(path + "~part-note")
        try Files.rename(partPath, to: path)
        self.note = note
    }

    /// Forgets the content. The lock must be held.
    func removeContent() {
        unlink(path + "~note")
        unlink(path)
    }

    /// Forgets what has come of a download. The lock must be held.
    func removePart() {
        unlink(path + "~part-note")
        unlink(partPath)
    }
}
