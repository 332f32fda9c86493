internal import CKernels
public import Interactions
public import Kernels
import Synchronization

/// The vectors of all items, `[items × dimensions]`, and what the ranking kernels make of them when they are first asked.
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

    /// `[items × dimensions]`.
    let vectors: FactorTable
    private let allowed: [UInt32]
    private let packed = Mutex(Packed())

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
    /// - Complexity: O(items × dimensions); takes ``bytes(items:dimensions:)`` once it was ranked with.
    public init(
        vectors: borrowing FactorTable, scaling: Scaling = .none, isRecommendable: ((ItemRow) -> Bool)? = nil
    ) {
        precondition(vectors.rows < Int(UInt32.max) - Self.panelWidth, "more items than 32 bits count")
        let (count, width) = (vectors.rows, Self.panelWidth)
        let copy = FactorTable(rows: count, width: vectors.width)
        var allowed = [UInt32](repeating: 0, count: (count + width - 1) / width)
        for item in 0..<count {
            let (vector, own) = (vectors.row(item), copy.row(item))
            var length = 1.0
            if scaling == .unitLength {
                length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                if length == 0 { length = 1 }
            }
            for dimension in own.indices { own[dimension] = Float(Double(vector[dimension]) / length) }
            if isRecommendable?(ItemRow(item)) ?? true { allowed[item / width] |= 1 << UInt32(item % width) }
        }
        self.count = count
        dimensions = vectors.width
        self.vectors = copy
        self.allowed = allowed
        recommendableCount = allowed.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Memory that an index takes at most, for estimates: the vectors, the same in panels, and rounded to bytes.
    public static func bytes(items: Int, dimensions: Int) -> Int {
        let rounded = (items + panelWidth - 1) / panelWidth * panelWidth
        return FactorTable.bytes(rows: items, width: dimensions) + rounded * dimensions * MemoryLayout<Float>.size
            + ItemFilter.bytes(items: items, dimensions: dimensions)
    }

    /// Whether ``Ranker`` may recommend the item.
    public func isRecommendable(_ item: ItemRow) -> Bool {
        precondition(item.index < count, "item row \(item.index) of \(count)")
        return allowed[item.index / Self.panelWidth] >> UInt32(item.index % Self.panelWidth) & 1 == 1
    }

    /// The vector of an item, `[dimensions]`, as scores use it.
    public func vector(of item: ItemRow) -> [Float] {
        precondition(item.index < count, "item row \(item.index) of \(count)")
        return Array(vectors.row(item.index))
    }

    /// The index as `sk_rank_block` sees it, while `body` runs.
    func withPanels<Result>(
        _ workers: Workers, _ body: (UnsafePointer<sk_rank_index>) throws -> Result
    ) rethrows -> Result {
        let panels = packed.withLock { packed in
            if packed.panels == nil { packed.panels = Panels(of: vectors, workers) }
            return packed.panels!
        }
        return try allowed.withUnsafeBufferPointer { allowed in
            var index = sk_rank_index(
                panels: panels.table.base, allowed: allowed.baseAddress, panel_count: panels.table.rows,
                dimensions: dimensions)
            return try body(&index)
        }
    }

    /// The filter for lists of `top` items, where it pays: nil if lists are long for the number of items, if vectors are
    /// very short or cannot be rounded, or as long as too few users were asked for to make up for its making.
    func filter(top: Int, users: Int, _ workers: Workers) -> ItemFilter? {
        guard ItemFilter.isWorthwhile(top: top, items: recommendableCount, dimensions: dimensions) else { return nil }
        return packed.withLock { packed in
            packed.usersAsked += users
            if packed.filter == nil, packed.usersAsked >= Self.usersThatPayForAFilter {
                packed.filter = .some(ItemFilter(of: self, workers))
            }
            return packed.filter ?? nil
        }
    }

    private struct Packed {
        var panels: Panels?
        /// nil until it is made; then nil inside if the vectors do not allow one.
        var filter: ItemFilter??
        var usersAsked = 0
    }

    /// `[items / 32 × dimensions × 32]`, zero padded.
    private final class Panels: Sendable {
        let table: FactorTable

        init(of vectors: borrowing FactorTable, _ workers: Workers) {
            let (width, count) = (ItemIndex.panelWidth, vectors.rows)
            let table = FactorTable(rows: (count + width - 1) / width, width: vectors.width * width)
            let (source, stride, dimensions) = (vectors.base, vectors.stride, vectors.width)
            let (target, step) = (table.base, table.stride)
            workers.forEach(table.rows) { index, _ in
                let panel = target + index * step
                for item in index * width..<min((index + 1) * width, count) {
                    let (vector, lane) = (source + item * stride, panel + item % width)
                    for dimension in 0..<dimensions { lane[dimension * width] = vector[dimension] }
                }
            }
            self.table = table
        }
    }

    private static let panelWidth = Int(SK_RANK_PANEL)
    private static let usersThatPayForAFilter = 32
}
