import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The two ways out: results to standard output, everything else to standard error.
package enum FileHandles {
    /// A result that cannot be written ends the command with status 1: nobody must take it for delivered.
    package static func standardOutput(_ text: String) {
        guard !put(text, STDOUT_FILENO) else { return }
        standardError("error: cannot write to standard output: \(String(cString: strerror(errno)))\n")
        exit(StarlingError.Code.failed.exitStatus)
    }

    /// Progress and messages are not worth an error.
    package static func standardError(_ text: String) { _ = put(text, STDERR_FILENO) }

    /// Keeps files that are opened later from taking the place of a standard stream that was closed. A closed standard
    /// output stays one that cannot be written to.
    static func guardStandardStreams() {
        for file in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(file, F_GETFD) == -1 {
            _ = open("/dev/null", file == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// False if the system refused a part, with the reason in `errno`.
    private static func put(_ text: String, _ file: Int32) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = write(file, rest.baseAddress!, rest.count)
                if written < 0 { if errno == EINTR { continue } else { return false } }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
            return true
        }
    }
}
