import Starling

/// One live line of progress as a value; rendering is pure.
package struct ProgressLine: Equatable {
    /// What is going on: `epoch 3/20`, `reading ratings.csv`.
    package var label: String
    /// 0…1; nil, where the end is not known, shows no bar.
    package var fraction: Double?
    /// In order of importance: when the line is too narrow, the last go first.
    package var fields: [String]
    /// Seconds to the end; nil shows none.
    package var left: Double?

    package init(label: String, fraction: Double? = nil, fields: [String] = [], left: Double? = nil) {
        self.label = label
        self.fraction = fraction
        self.fields = fields
        self.left = left
    }

    /// The line, at most `width` columns, without control characters other than colours.
    ///
    ///     epoch 3/20 ━━━━━━╸───  62%  71.4 M ratings/s  loss 0.742  val_rmse 0.871  0:12 left
    package func render(width: Int, colour: Bool) -> String {
        let end = left.map { Numerals.clock($0) + " left" }
        var shown = fields
        func length(_ bar: Int) -> Int {
            let parts = shown + (end.map { [$0] } ?? [])
            let percent = fraction == nil ? 0 : 6
            return DisplayWidth.of(label) + (bar > 0 ? bar + 1 : 0) + percent
                + parts.reduce(0) { $0 + DisplayWidth.of($1) + 2 }
        }
        let shortest = fraction == nil ? 0 : Self.shortestBar
        while length(shortest) > width, !shown.isEmpty { shown.removeLast() }
        guard length(shortest) <= width else { return DisplayWidth.cut(label, to: width) }
        let bar = fraction == nil ? 0 : min(Self.longestBar, shortest + width - length(shortest))
        var line = label
        if let fraction {
            let percent = DisplayWidth.pad("\(Int(min(1, max(0, fraction)) * 100))%", to: 4, right: true)
            line += " " + Self.bar(fraction, bar, colour) + "  " + percent
        }
        for field in shown + (end.map { [$0] } ?? []) { line += "  " + field }
        return line
    }

    private static let (shortestBar, longestBar) = (8, 24)

    /// Half a cell at a time.
    private static func bar(_ fraction: Double, _ cells: Int, _ colour: Bool) -> String {
        let halves = Int((min(1, max(0, fraction)) * Double(cells * 2)).rounded(.down))
        let done = String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
        let rest = cells - (halves + 1) / 2
        guard colour else { return done + String(repeating: "─", count: rest) }
        return "\u{1B}[32m" + done + "\u{1B}[0m\u{1B}[2m" + String(repeating: "━", count: rest) + "\u{1B}[0m"
    }
}

/// Shows a ``ProgressLine`` on a terminal, redrawn at most ten times a second, with plain lines printed above it.
/// Where there is no terminal it shows the plain lines alone. One thread at a time.
package final class LiveLine {
    private let terminal: Terminal
    private let width: () -> Int
    private let now: () -> Double
    private let put: (String) -> Void
    private var isDrawn = false
    private var lastDrawn = -Double.infinity

    /// The parameters are there for tests; the defaults are standard error and the clock.
    package init(
        terminal: Terminal = .standardError(), width: @escaping () -> Int = Terminal.width,
        now: @escaping () -> Double = LiveLine.clock(), put: @escaping (String) -> Void = FileHandles.standardError
    ) {
        self.terminal = terminal
        self.width = width
        self.now = now
        self.put = put
    }

    package static func clock() -> () -> Double {
        let watch = Stopwatch()
        return { watch.seconds }
    }

    /// Draws the line, unless it was drawn less than a tenth of a second ago.
    package func show(_ line: @autoclosure () -> ProgressLine) {
        guard terminal.isLive else { return }
        let time = now()
        guard time - lastDrawn >= 0.1 else { return }
        lastDrawn = time
        isDrawn = true
        // The last column stays free: some terminals wrap when it is written.
        put("\r" + line().render(width: max(1, width() - 1), colour: terminal.hasColour) + "\u{1B}[K")
    }

    /// Prints a line that stays, in place of the live one.
    package func print(_ text: String) {
        erase()
        put(text + "\n")
    }

    /// Takes the live line away.
    package func erase() {
        if isDrawn { put("\r\u{1B}[K") }
        isDrawn = false
        lastDrawn = -.infinity
    }

    package var hasColour: Bool { terminal.hasColour }

    /// Seconds by the clock this line draws by.
    package var time: Double { now() }
}
