import Starling

#if canImport(Glibc)
@preconcurrency import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A rank: a process of this same executable.
///
/// Rank 0 has our standard streams. Others read nothing, and what they write comes through a pipe.
struct RankProcess {
    let rank: Int
    private(set) var isRunning = true
    private let process: pid_t
    /// Where a pipe's end is read; nil for rank 0, and when the rank has closed its own.
    private(set) var output: Int32?
    /// The beginning of a line.
    private var line: [UInt8] = []

    /// Starts it, in a process group of its own: what a terminal sends reaches it through us alone, once. Is to be called on the
    /// main thread, whose end is the ranks' end too (``Launcher``).
    ///
    /// - Throws: `failed` if the system has no process or file left.
    init(rank: Int, arguments: [String], variables: [String: String]) throws {
        func check(_ code: Int32) throws {
            guard code == 0 else {
                throw StarlingError(
                    .failed, "rank \(rank) cannot be started: \(String(cString: strerror(code)))",
                    remedy: "use fewer --workers, or raise the limits (ulimit -u, ulimit -n)")
            }
        }
        #if canImport(Darwin)
        var (actions, attributes): (posix_spawn_file_actions_t?, posix_spawnattr_t?) = (nil, nil)
        #else
        var (actions, attributes) = (posix_spawn_file_actions_t(), posix_spawnattr_t())
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var (none, usual) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigemptyset(&usual)
        for signal in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var ends: [Int32] = [-1, -1]
        if rank > 0 {
            // Its own rank alone inherits it.
            try check(pipe(&ends) == 0 && ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 } ? 0 : errno)
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        }
        var (names, values) = (
            Self.strings([CommandLine.arguments[0]] + arguments), Self.strings(Self.environment(with: variables))
        )
        defer { for text in names + values { free(text) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, Self.executable, &actions, &attributes, &names, &values)
        if rank > 0 { close(ends[1]) }
        if code != 0 && rank > 0 { close(ends[0]) }
        try check(code)
        (self.rank, self.process, output) = (rank, process, rank > 0 ? ends[0] : nil)
    }

    func send(_ signal: Int32) { kill(process, signal) }

    /// What `waitpid` says of its end, once; nil while it runs.
    mutating func ended() -> Int32? {
        var status: Int32 = 0
        guard isRunning, waitpid(process, &status, WNOHANG) == process else { return nil }
        isRunning = false
        return status
    }

    /// Reads what it has written, and passes on the lines that are whole, its number before them. Blocks where there is nothing.
    mutating func relay() {
        guard let file = output else { return }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(file, &bytes, bytes.count)
        if count < 0 && errno == EINTR { return }
        line += bytes.prefix(max(0, count))
        if count <= 0 {
            close(file)
            output = nil
            if !line.isEmpty { line.append(UInt8(ascii: "\n")) }
        }
        var text = ""
        while let end = line.firstIndex(of: UInt8(ascii: "\n")) {
            text += "[\(rank)] " + String(decoding: line[...end], as: UTF8.self)
            line.removeSubrange(...end)
        }
        if !text.isEmpty { FileHandles.standardError(text) }
    }

    /// On Linux the very file that runs, even if another has taken its place.
    private static var executable: String {
        #if os(Linux)
        "/proc/self/exe"
        #else
        CommandLine.arguments[0]
        #endif
    }

    private static func environment(with variables: [String: String]) -> [String] {
        #if canImport(Darwin)
        var next = _NSGetEnviron().pointee
        #else
        var next = environ
        #endif
        var all: [String] = []
        while let entry = next.pointee {
            let text = String(cString: entry)
            if variables[String(text.prefix { $0 != "=" })] == nil { all.append(text) }
            next += 1
        }
        return all + variables.map { "\($0.key)=\($0.value)" }
    }

    /// As C has them, with a null behind them; to be freed.
    private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }
}
