#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The two ways out: results to standard output, everything else to standard error.
package enum FileHandles {
    package static func standardOutput(_ text: String) { put(text, STDOUT_FILENO) }

    package static func standardError(_ text: String) { put(text, STDERR_FILENO) }

    private static func put(_ text: String, _ file: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = write(file, rest.baseAddress!, rest.count)
                if written < 0 { if errno == EINTR { continue } else { return } }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}
