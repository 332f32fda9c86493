import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension ShardCache {
    /// A file of the cache that takes space.
    struct Content {
        let entry: CacheEntry
        let isPart: Bool
        let size: Int
        /// Seconds since 1970.
        let lastUse: Double
    }

    /// Drops files, the longest unused first and partial ones before all others, until `bytes` more have room.
    /// Those that somebody is just fetching or checking are passed over.
    ///
    /// - Parameter kept: is not dropped.
    /// - Complexity: one look at each file of the cache.
    func makeRoom(for bytes: Int, keeping kept: CacheEntry, _ cancellation: Cancellation?) throws {
        try FileLock.with(folder + "/~evict", cancellation) {
            var contents = ShardCache.contents(folder)
            var total = contents.reduce(bytes) { $0 + $1.size }
            guard total > limit else { return }
            contents.sort { ($0.isPart ? 0 : 1, $0.lastUse) < ($1.isPart ? 0 : 1, $1.lastUse) }
            for content in contents where total > limit && content.entry.path != kept.path {
                if ShardCache.drop(content) { total -= content.size }
            }
        }
    }

    /// Removes what killed processes left and nobody came back for: partial files, notes and locks older than a day.
    func removeLeftovers() {
        let yesterday = Host.now() - 86_400
        for place in ShardCache.places(folder) {
            for name in (try? Files.list(place)) ?? [] {
                guard let mark = name.firstIndex(of: "~"), mark != name.startIndex,
                    let (_, lastUse) = ShardCache.facts(place + "/" + name), lastUse < yesterday
                else { continue }
                let entry = CacheEntry(path: place + "/" + name[..<mark])
                guard !name.hasSuffix("~note") || !Files.exists(entry.path) else { continue }
                // The lock removes its own file.
                FileLock.ifFree(entry.lockPath) {
                    if !name.hasSuffix("~lock") { unlink(place + "/" + name) }
                }
            }
        }
    }

    private static func drop(_ content: Content) -> Bool {
        FileLock.ifFree(content.entry.lockPath) {
            if content.isPart { content.entry.removePart() } else { content.entry.removeContent() }
        }
    }

    /// All that takes space in a cache's folder.
    static func contents(_ folder: String) -> [Content] {
        var contents: [Content] = []
        for place in places(folder) {
            for name in (try? Files.list(place)) ?? [] {
                let mark = name.firstIndex(of: "~")
                guard mark == nil || name.hasSuffix("~part"), let (size, lastUse) = facts(place + "/" + name) else {
                    continue
                }
                contents.append(
                    Content(
                        entry: CacheEntry(path: place + "/" + name[..<(mark ?? name.endIndex)]), isPart: mark != nil,
                        size: size, lastUse: lastUse))
            }
        }
        return contents
    }

    /// The folders that say of themselves that they belong to a cache.
    private static func places(_ folder: String) -> [String] {
        ((try? Files.list(folder)) ?? []).map { folder + "/" + $0 }.filter { Files.kind($0 + "/~place") == .file }
    }

    private static func facts(_ path: String) -> (size: Int, lastUse: Double)? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        return (Int(status.st_size), Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9)
    }
}
