#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Facts about the machine and this process.
public enum Host {
    /// Processors this process may run on (its affinity mask, so containers and `taskset` count).
    public static let processors: Int = {
        #if os(Linux)
        // A mask in hexadecimal words, as in "Cpus_allowed:	ff,ffffffff".
        if let status = try? Files.readText("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed:") })
        {
            let bits = line.dropFirst("Cpus_allowed:".count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
            if bits > 0 { return bits }
        }
        #endif
        return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }()

    /// The folder of the running executable, through symbolic links; the current one where it cannot be told.
    public static let executableFolder: String = {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        #if os(Linux)
        let found = readlink("/proc/self/exe", &path, Int(PATH_MAX)) > 0
        #else
        var (name, size) = (path, UInt32(path.count))
        let found = _NSGetExecutablePath(&name, &size) == 0 && realpath(name, &path) != nil
        #endif
        let text = found ? String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        return text.lastIndex(of: "/").map { String(text[..<$0]) } ?? "."
    }()

    /// Bytes of memory that a new allocation can use without swapping, or nil where that cannot be told.
    /// On Linux `MemAvailable`, lowered by a cgroup limit when there is one.
    public static func availableMemory() -> Int? {
        #if os(Linux)
        guard let kilobytes = field("MemAvailable:", of: "/proc/meminfo") else { return nil }
        var available = kilobytes * 1024
        if let limit = (try? Files.readText("/sys/fs/cgroup/memory.max")).flatMap({ Int($0.filter(\.isNumber)) }),
            let used = (try? Files.readText("/sys/fs/cgroup/memory.current")).flatMap({ Int($0.filter(\.isNumber)) })
        {
            available = min(available, max(0, limit - used))
        }
        return available
        #else
        return nil
        #endif
    }

    /// Bytes of the machine's memory in use, and all of it; nil where that cannot be told.
    package static func memoryInUse() -> (used: Int, total: Int)? {
        guard let total = field("MemTotal:", of: "/proc/meminfo"),
            let available = field("MemAvailable:", of: "/proc/meminfo")
        else { return nil }
        return ((total - available) * 1024, total * 1024)
    }

    /// Time that all processors together have worked, and all of their time, in ticks since the machine started; nil where that
    /// cannot be told.
    package static func processorTime() -> (busy: Double, total: Double)? {
        // cpu  user nice system idle iowait irq softirq steal …
        guard let line = (try? Files.readText("/proc/stat"))?.split(separator: "\n").first else { return nil }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard ticks.count >= 5 else { return nil }
        let total = ticks.reduce(0, +)
        return (total - ticks[3] - ticks[4], total)
    }

    /// The largest resident size this process has had, in bytes (`VmHWM`).
    public static func peakMemory() -> Int {
        #if os(Linux)
        return (field("VmHWM:", of: "/proc/self/status") ?? 0) * 1024
        #else
        var usage = rusage()
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
        #endif
    }

    /// Makes ``peakMemory()`` start again from the present size, where the system allows it.
    public static func resetPeakMemory() {
        #if os(Linux)
        let file = open("/proc/self/clear_refs", O_WRONLY)
        if file >= 0 {
            _ = write(file, "5", 1)
            close(file)
        }
        #endif
    }

    /// A variable of the environment; nil where it is empty or not set.
    package static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Waits so many seconds, on this thread.
    package static func sleep(_ seconds: Double) { usleep(UInt32(max(0, seconds) * 1e6)) }

    /// Seconds since 1970.
    public static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The machine's name.
    public static var name: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, 255) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The time now as ISO 8601 in UTC: `2026-11-22T09:30:00Z`.
    public static func timestamp() -> String {
        var seconds = time_t(now())
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + String(value) }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }

    private static func field(_ name: String, of path: String) -> Int? {
        guard let text = try? Files.readText(path) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return Int(line.dropFirst(name.count).filter(\.isNumber))
        }
        return nil
    }
}

/// Seconds since it was made, from a clock that never goes back.
public struct Stopwatch: Sendable {
    private let start = ContinuousClock.now

    public init() {}

    public var seconds: Double {
        let elapsed = (ContinuousClock.now - start).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    }
}
