internal import CKernels
public import Interactions
public import Kernels

/// The vectors of all items, packed once for the ranking kernels: panels of 32 items, `[items / 32 × dimensions × 32]`,
/// zero padded.
///
/// A score is the dot product of a user's vector and an item's. Models fold what else they have (biases, samples)
/// into dimensions of their own.
public final class ItemIndex: Sendable {
    /// Items, recommendable or not. Rows are those of the vectors given.
    public let count: Int
    /// Floats in a vector.
    public let dimensions: Int
    /// How many items may be recommended.
    public let recommendableCount: Int

    private let panels: FactorTable
    private let allowed: [UInt32]

    /// What is done to an item's vector before it is packed.
    public enum Scaling: Sendable {
        /// Taken as it is.
        case none
        /// Divided by its Euclidean length, so that dot products of such vectors are cosines. A vector of zeros stays.
        case unitLength
    }

    /// - Parameters:
    ///   - vectors: `[items × dimensions]`, copied.
    ///   - scaling: `.unitLength` for ``Ranker/similar(to:count:)``.
    ///   - isRecommendable: false for items that must not be recommended, such as rows that were never trained; nil
    ///     allows all. They can still be scored.
    /// - Complexity: O(items × dimensions); takes ``bytes(items:dimensions:)``.
    public init(
        vectors: borrowing FactorTable, scaling: Scaling = .none, isRecommendable: ((ItemRow) -> Bool)? = nil
    ) {
        precondition(vectors.rows < Int(UInt32.max) - Self.panelWidth, "more items than 32 bits count")
        let (count, dimensions, width) = (vectors.rows, vectors.width, Self.panelWidth)
        let panelCount = (count + width - 1) / width
        let panels = FactorTable(rows: panelCount, width: dimensions * width)
        var allowed = [UInt32](repeating: 0, count: panelCount)
        for item in 0..<count {
            let (panel, lane) = (panels.base + item / width * panels.stride, item % width)
            let vector = vectors.row(item)
            var length = 1.0
            if scaling == .unitLength {
                length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                if length == 0 { length = 1 }
            }
            for dimension in 0..<dimensions {
                panel[dimension * width + lane] = Float(Double(vector[dimension]) / length)
            }
            if isRecommendable?(ItemRow(item)) ?? true { allowed[item / width] |= 1 << UInt32(lane) }
        }
        self.count = count
        self.dimensions = dimensions
        self.panels = panels
        self.allowed = allowed
        recommendableCount = allowed.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Memory that an index takes, for estimates.
    public static func bytes(items: Int, dimensions: Int) -> Int {
        (items + panelWidth - 1) / panelWidth * panelWidth * dimensions * MemoryLayout<Float>.size
    }

    /// Whether ``Ranker`` may recommend the item.
    public func isRecommendable(_ item: ItemRow) -> Bool {
        precondition(item.index < count, "item row \(item.index) of \(count)")
        return allowed[item.index / Self.panelWidth] >> UInt32(item.index % Self.panelWidth) & 1 == 1
    }

    /// The vector of an item, `[dimensions]`, as it was packed.
    public func vector(of item: ItemRow) -> [Float] {
        precondition(item.index < count, "item row \(item.index) of \(count)")
        let (panel, lane) = (item.index / Self.panelWidth, item.index % Self.panelWidth)
        let values = panels.row(panel)
        return (0..<dimensions).map { values[$0 * Self.panelWidth + lane] }
    }

    /// The index as the kernels see it, while `body` runs.
    func withKernelIndex<Result>(_ body: (UnsafePointer<sk_rank_index>) throws -> Result) rethrows -> Result {
        try allowed.withUnsafeBufferPointer { allowed in
            var index = sk_rank_index(
                panels: panels.base, allowed: allowed.baseAddress, panel_count: panels.rows, dimensions: dimensions)
            return try body(&index)
        }
    }

    private static let panelWidth = Int(SK_RANK_PANEL)
}
