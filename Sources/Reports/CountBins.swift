/// Counts in groups of about the same size; equal counts are never parted.
///
/// With n counts and b bins, the upper ends are the counts of rank ⌈n·i/b⌉ for i = 1…b, repeats taken once; so a count that
/// many rows share can make a group larger, and the groups fewer.
package struct CountBins: Sendable {
    /// The greatest count of each bin, rising.
    package let edges: [Int]
    /// The least count of the first bin.
    package let least: Int
    /// Whether the last bin takes greater counts too.
    package let isOpen: Bool

    /// - Parameter isOpen: whether counts of others will be put into the bins, which may lie below or above all of these:
    ///   the first bin begins at 0 then, and the last has no end.
    /// - Complexity: O(counts log counts).
    package init(of counts: [Int], bins: Int = 8, isOpen: Bool = false) {
        let sorted = counts.sorted()
        var edges: [Int] = []
        if !sorted.isEmpty {
            for bin in 1...bins {
                let edge = sorted[max(0, (sorted.count * bin + bins - 1) / bins - 1)]
                if edge != edges.last { edges.append(edge) }
            }
        }
        self.edges = edges
        least = isOpen ? 0 : sorted.first ?? 0
        self.isOpen = isOpen
    }

    package var count: Int { edges.count }

    /// The bin that a count falls in; one above all edges falls in the last.
    ///
    /// - Precondition: there are bins.
    package func bin(of count: Int) -> Int { edges.firstIndex { count <= $0 } ?? edges.count - 1 }

    /// Both ends belong to the bin; no upper end means “and more”.
    package func range(_ bin: Int) -> (from: Int, to: Int?) {
        (bin == 0 ? least : edges[bin - 1] + 1, isOpen && bin == edges.count - 1 ? nil : edges[bin])
    }
}
