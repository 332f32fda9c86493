import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Advisory locks on files that exist as long as somebody holds them. They exclude other processes and other threads
/// alike, and the system lets go of them when a process ends, however it ends; the file may then stay, and is taken by the
/// next who asks.
enum FileLock {
    /// Waits for the lock and runs `body` with it held.
    ///
    /// - Throws: `interrupted`; `failed` on file systems without locks; what `body` throws.
    static func with<Result>(
        _ path: String, _ cancellation: Cancellation?, _ body: () throws -> Result
    ) throws -> Result {
        var wait: UInt32 = 2_000
        while true {
            if let file = try attempt(path) {
                defer { release(file, path) }
                return try body()
            }
            if cancellation?.isCancelled == true {
                throw StarlingError(.interrupted, "stopped while another process fetches", at: .init(file: path))
            }
            usleep(wait)
            wait = min(wait * 2, 50_000)
        }
    }

    /// Runs `body` with the lock held if nobody holds it; otherwise does nothing and says false.
    @discardableResult
    static func ifFree(_ path: String, _ body: () -> Void) -> Bool {
        guard let file = try? attempt(path) else { return false }
        defer { release(file, path) }
        body()
        return true
    }

    /// The open file if the lock could be taken at once.
    private static func attempt(_ path: String) throws -> Int32? {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw Files.systemError("cannot write into the cache", path, remedy: remedy) }
        let status = flock(file, LOCK_EX | LOCK_NB)
        let reason = errno
        var (held, there) = (stat(), stat())
        if status == 0, fstat(file, &held) == 0, stat(path, &there) == 0, held.st_ino == there.st_ino { return file }
        close(file)
        errno = reason
        guard status == 0 || reason == EWOULDBLOCK || reason == EINTR else {
            throw Files.systemError("cannot lock the file", path, remedy: remedy)
        }
        return nil
    }

    /// Removes the file while the lock is still held: whoever waits for it finds that it is not the one at the path any
    /// more, and asks anew.
    private static func release(_ file: Int32, _ path: String) {
        unlink(path)
        close(file)
    }

    private static let remedy = "choose a cache folder on a disk of this machine with STARLING_CACHE"
}
