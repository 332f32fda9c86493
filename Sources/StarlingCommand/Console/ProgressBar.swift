import Starling

/// Progress of one long thing that is counted: rows read, users ranked.
///
/// ```swift
/// let bar = ProgressBar("ranking users", unit: "users", total: users)
/// for block in blocks { …; bar.update(done: ranked) }
/// bar.finish()
/// ```
package final class ProgressBar {
    private let label: String
    private let unit: String
    private let total: Int?
    private let line: LiveLine
    private let start: Double

    /// - Parameter total: nil if it is not known.
    package init(_ label: String, unit: String, total: Int?, on line: LiveLine = LiveLine()) {
        self.label = label
        self.unit = unit
        self.total = total
        self.line = line
        start = line.time
    }

    package func update(done: Int) {
        line.show(
            Self.line(label: label, unit: unit, done: done, total: total, seconds: line.time - start))
    }

    /// Takes the bar away; prints `text`, if given, in its place.
    package func finish(_ text: String? = nil) {
        if let text { line.print(text) } else { line.erase() }
    }

    /// Shows a bar while `body` runs, from what it reports; a total of 0 is not known.
    package static func during<Result>(
        _ label: String, unit: String,
        _ body: (_ report: @escaping (_ done: Int, _ total: Int) -> Void) throws -> Result
    ) rethrows -> Result {
        var bar: ProgressBar?
        defer { bar?.finish() }
        return try body { done, total in
            bar = bar ?? ProgressBar(label, unit: unit, total: total > 0 ? total : nil)
            bar?.update(done: done)
        }
    }

    /// The same of steps that follow each other, each with a bar of its own; its name comes with each report.
    package static func during<Result>(
        unit: String, _ body: (_ report: @escaping (_ step: String, _ done: Int, _ total: Int) -> Void) throws -> Result
    ) rethrows -> Result {
        var bar: ProgressBar?
        defer { bar?.finish() }
        return try body { step, done, total in
            if bar?.label != step {
                bar?.finish()
                bar = ProgressBar(step, unit: unit, total: total)
            }
            bar?.update(done: done)
        }
    }

    package static func line(label: String, unit: String, done: Int, total: Int?, seconds: Double) -> ProgressLine {
        let rate = seconds > 0 ? Double(done) / seconds : 0
        let fraction = total.map { $0 > 0 ? Double(done) / Double($0) : 1 }
        return ProgressLine(
            label: label, fraction: fraction,
            fields: rate > 0 ? ["\(Numerals.short(rate)) \(unit)/s"] : [],
            left: total.flatMap { rate > 0 ? max(0, Double($0 - done)) / rate : nil })
    }
}
