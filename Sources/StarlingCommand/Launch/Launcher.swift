import CKernels
import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The process that started this one as a rank.
enum Launcher {
    /// Holds its number.
    static let variable = "STARLING_PARENT"

    /// Has the system kill this process when its launcher is gone, however that ended: a rank that nobody waits for would keep
    /// memory and the run. Does nothing in a process that no launcher started, and on other systems than Linux.
    static func endTogether() {
        guard let launcher = Host.variable(variable).flatMap({ pid_t($0) }) else { return }
        unsetenv(variable)
        // It may be gone before the system was asked.
        if sk_end_with_parent(SIGKILL) == 0, getppid() != launcher { raise(SIGKILL) }
    }
}
