/// Numbers in the order of time as a line of small bars: `█▅▃▂▁▁`.
package enum Sparkline {
    private static let bars = Array("▁▂▃▄▅▆▇█")

    /// At most `width` columns, each the mean of as many values; lowest to highest over all of the line. Values that are no
    /// finite numbers are left out; nothing is drawn of fewer than two.
    package static func text(_ values: [Double], width: Int = 12) -> String {
        let values = values.filter(\.isFinite)
        guard values.count > 1, width > 1 else { return "" }
        let columns = min(width, values.count)
        let means = (0..<columns).map { column in
            let part = values[column * values.count / columns..<(column + 1) * values.count / columns]
            return part.reduce(0, +) / Double(part.count)
        }
        let (low, high) = (means.min()!, means.max()!)
        return String(
            means.map { mean in
                high > low ? bars[Int(((mean - low) / (high - low) * Double(bars.count - 1)).rounded())] : bars[0]
            })
    }
}
