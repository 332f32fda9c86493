import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The port at which ranks meet.
enum MeetingPort {
    /// A port that nobody listens at just now: `wanted`, or any.
    ///
    /// - Throws: `usage` if `wanted` is taken or not ours to take, `failed` if the system has none.
    static func free(_ wanted: Int?) throws -> Int {
        #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        let file = socket(AF_INET, kind, 0)
        defer { close(file) }
        // Connections of ranks that have just ended do not count.
        var yes: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(wanted ?? 0).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        guard isBound else {
            let reason = String(cString: strerror(errno))
            guard let wanted else {
                throw StarlingError(.failed, "there is no free port for ranks to meet at: \(reason)")
            }
            throw StarlingError(
                .usage, "ranks cannot meet at port \(wanted): \(reason)",
                remedy: "give another --port, or none where all ranks are on one machine")
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
