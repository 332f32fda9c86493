#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A temporary file without a name: it is unlinked as soon as it is made, so that nothing is left of it when its owner goes
/// or the process ends, however it ends.
///
/// Threads may write and read stretches that do not overlap at the same time.
package final class ScratchFile: Sendable {
    private let file: Int32
    private let folder: String

    /// - Throws: `failed` if the folder takes no file.
    package init(in folder: String) throws {
        var template = Array((folder + "/" + Files.asidePrefix + "scratch-XXXXXX").utf8CString)
        file = mkstemp(&template)
        guard file >= 0 else {
            throw Files.systemError(
                "cannot make a temporary file", folder,
                remedy: errno == EMFILE ? "allow more open files: ulimit -n 1024" : nil)
        }
        unlink(template)
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        self.folder = folder
    }

    deinit { close(file) }

    /// - Throws: `failed` if the disk is full or broken.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(file, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw Files.systemError(
                    "cannot write a temporary file", folder,
                    remedy: errno == ENOSPC || errno == EDQUOT ? "free some disk space" : nil)
            }
            done += count
        }
    }

    /// Fills `bytes` with what was written at `offset`.
    ///
    /// - Throws: `failed` if the disk is broken.
    package func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = pread(file, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Files.systemError("cannot read a temporary file", folder) }
            done += count
        }
    }
}
