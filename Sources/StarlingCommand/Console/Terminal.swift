#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What standard error is connected to.
package struct Terminal: Sendable {
    /// Lines can be redrawn.
    package var isLive: Bool
    /// Colours are wanted: a live terminal and no `NO_COLOR`.
    package var hasColour: Bool

    package init(isLive: Bool, hasColour: Bool) {
        self.isLive = isLive
        self.hasColour = hasColour
    }

    /// Standard error as it is now. A terminal called `dumb` gets plain lines.
    package static func standardError() -> Terminal {
        decide(
            isTerminal: isatty(STDERR_FILENO) == 1, term: variable("TERM"), noColour: variable("NO_COLOR"))
    }

    /// Pure; `NO_COLOR` counts when it is set and not empty (no-color.org).
    package static func decide(isTerminal: Bool, term: String?, noColour: String?) -> Terminal {
        let isLive = isTerminal && term != "dumb"
        return Terminal(isLive: isLive, hasColour: isLive && (noColour ?? "").isEmpty)
    }

    /// Columns of a terminal (standard error first, then standard output), or of `COLUMNS`, or 80. Asked anew each
    /// time, because windows change.
    package static func width() -> Int {
        for file in [STDERR_FILENO, STDOUT_FILENO] {
            var size = winsize()
            if ioctl(file, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        }
        return variable("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
