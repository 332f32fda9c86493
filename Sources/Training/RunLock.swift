import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Holds a run for one process. The system lets go of it when the process ends, however it ends.
package final class RunLock: Sendable {
    private let file: Int32

    /// - Throws: `failed` if another process (or this one) holds the run.
    package init(folder: String) throws {
        let path = folder + "/" + RunLock.name
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw Files.systemError("cannot write into the run", folder) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            let holder = (try? Files.readText(path)) ?? ""
            close(file)
            errno = reason
            guard reason == EWOULDBLOCK else { throw Files.systemError("cannot lock the run", folder) }
            throw StarlingError(
                .failed, "another process\(holder.isEmpty ? "" : " (\(holder))") is training into this run",
                at: .init(file: folder), remedy: "wait for it, stop it, or choose another --output")
        }
        let text = Array("process \(getpid()) on \(Host.name)".utf8)
        if ftruncate(file, 0) == 0 { _ = text.withUnsafeBytes { pwrite(file, $0.baseAddress!, $0.count, 0) } }
    }

    deinit {
        // A program that is just being started has a copy of the descriptor until it runs, and would go on holding the lock.
        flock(file, LOCK_UN)
        close(file)
    }

    package static let name = ".lock"
}
