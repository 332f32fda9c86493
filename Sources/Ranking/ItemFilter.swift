package import CKernels
import Interactions
package import Kernels

/// The recommendable items with vectors rounded to 8-bit integers, and bounds of what the rounding does to scores
/// (`sk_filter.h`).
///
/// Items stand in an order that lets a user's threshold rise early and lets whole panels of 32 be left out: those that
/// can score high come first. What can score high depends on the user, so this is a guess that only costs time where it
/// is wrong: the length of the vector, to which comes the dimension with the greatest spread if it stands out, as the
/// items' biases do.
///
/// `@unchecked Sendable`: written by `init` alone.
package final class ItemFilter: @unchecked Sendable {
    /// The kernels' view. Its pointers live as long as the filter.
    package let index: UnsafePointer<sk_filter_index>
    /// Where each item stands; `UInt32.max` for those that are not recommendable.
    let places: [UInt32]

    private let owner: ItemIndex
    private var memory: [UnsafeMutableRawPointer] = []

    /// Nil if some value is not finite or far too large, or all vectors are the same but for one dimension.
    package init?(of owner: ItemIndex, _ workers: Workers) {
        self.owner = owner
        guard let spread = Spread(of: owner), !spread.columns.isEmpty else { return nil }
        let columns = spread.columns
        let groups = (columns.count + Int(SK_FILTER_GROUP) - 1) / Int(SK_FILTER_GROUP)
        // Sums of products must stay below 2²².
        let range = min(127, Int((Double(1 << 22) / Double(groups * Int(SK_FILTER_GROUP)) - 1).squareRoot()))
        guard range >= 8 else { return nil }

        let order = spread.order()
        let width = Int(SK_FILTER_PANEL)
        let panels = (order.count + width - 1) / width
        var places = [UInt32](repeating: .max, count: owner.count)
        for (place, row) in order.enumerated() { places[Int(row)] = UInt32(place) }
        self.places = places

        var memory: [UnsafeMutableRawPointer] = []
        func room<Element: BitwiseCopyable>(_ count: Int, _ zero: Element) -> UnsafeMutablePointer<Element> {
            let bytes = max(1, count) * MemoryLayout<Element>.stride
            let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: bytes >= 1 << 22 ? 1 << 21 : 64)
            memory.append(raw)
            let typed = raw.bindMemory(to: Element.self, capacity: max(1, count))
            typed.initialize(repeating: zero, count: max(1, count))
            return typed
        }
        func copy<Element: BitwiseCopyable>(_ array: [Element], _ count: Int, _ zero: Element) -> UnsafePointer<Element>
        {
            let pointer = room(count, zero)
            for (position, element) in array.enumerated() { pointer[position] = element }
            return UnsafePointer(pointer)
        }
        let (floats, bound) = (panels * width, sk_filter_bound())
        let index = UnsafeMutablePointer<sk_filter_index>.allocate(capacity: 1)
        index.initialize(
            to: sk_filter_index(
                vectors: owner.vectors.base, stride: owner.vectors.stride, dimensions: owner.dimensions,
                centre: copy(spread.centre, owner.dimensions, 0), longest: spread.longest,
                columns: copy(columns, FactorTable.stride(columns.count), 0), column_count: columns.count,
                groups: groups, side: Int32(spread.side), range: Int32(range), rows: copy(order, order.count, 0),
                item_count: order.count, panel_count: panels,
                panels: room(panels * groups * width * Int(SK_FILTER_GROUP), 0), scales: room(floats, 0),
                lifts: room(floats, 0), sides: room(floats, 0), bounds: room(panels, bound)))
        self.memory = memory
        self.index = UnsafePointer(index)
        let (stretch, packed) = (64, self.index)
        let filter = Unchecked(packed)
        workers.forEach((panels + stretch - 1) / stretch) { part, _ in
            sk_filter_pack(filter.value, part * stretch, min((part + 1) * stretch, panels))
        }
    }

    deinit {
        for pointer in memory { pointer.deallocate() }
        index.deallocate()
    }

    /// Memory that a filter takes, for estimates.
    static func bytes(items: Int, dimensions: Int) -> Int { items * (dimensions + 3 * 4 + 2 * 4) }

    /// Whether filtering is quicker than scoring everything: lists must be short beside the number of items, as each
    /// item on them is scored once more, and vectors not so short that there is little to save.
    package static func isWorthwhile(top: Int, items: Int, dimensions: Int) -> Bool {
        dimensions >= 8 && items >= 64 * top && items >= 1024
    }

    private struct Unchecked<Value>: @unchecked Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }
}

/// How the recommendable items' vectors lie: their mean, and which dimensions vary.
private struct Spread {
    let owner: ItemIndex
    /// `[dimensions]`, the mean; where all items have the same value exactly that.
    let centre: [Double]
    /// Dimensions that vary, without ``side``.
    let columns: [Int32]
    /// The dimension that varies most.
    let side: Int
    /// At least |i| + |mean| for all items.
    let longest: Float
    /// Whether ``side`` stands out.
    private let sideStandsOut: Bool
    /// The root mean square of the items' lengths, seen from the mean and without ``side``.
    private let length: Double

    init?(of owner: ItemIndex) {
        let dimensions = owner.dimensions
        let items = (0..<owner.count).filter { owner.isRecommendable(ItemRow($0)) }
        guard let first = items.first else { return nil }
        func column(_ value: Double) -> [Double] { [Double](repeating: value, count: dimensions) }
        var (sums, variances) = (column(0), column(0))
        var (low, high) = (Array(owner.vectors.row(first)), Array(owner.vectors.row(first)))
        for item in items {
            let vector = owner.vectors.row(item)
            for d in 0..<dimensions {
                // Comparisons are false for NaN, which must not slip through.
                guard abs(vector[d]) <= SK_FILTER_LARGEST else { return nil }
                sums[d] += Double(vector[d])
                low[d] = min(low[d], vector[d])
                high[d] = max(high[d], vector[d])
            }
        }
        let centre = (0..<dimensions).map { low[$0] == high[$0] ? Double(low[$0]) : sums[$0] / Double(items.count) }
        var longest = 0.0
        for item in items {
            let vector = owner.vectors.row(item)
            var squares = 0.0
            for d in 0..<dimensions {
                let value = Double(vector[d])
                squares += value * value
                variances[d] += (value - centre[d]) * (value - centre[d])
            }
            longest = max(longest, squares)
        }
        let side = variances.indices.max { variances[$0] < variances[$1] }!
        columns = (0..<dimensions).filter { $0 != side && low[$0] < high[$0] }.map { Int32($0) }
        let others = variances.reduce(0, +) - variances[side]
        sideStandsOut = variances[side] * Double(columns.count) > 4 * others
        length = (others / Double(items.count)).squareRoot()
        let mean = centre.reduce(0) { $0 + $1 * $1 }.squareRoot()
        self.longest = Float((longest.squareRoot() + mean) * 1.000_001)
        self.owner = owner
        self.centre = centre
        self.side = side
    }

    /// Recommendable items, those first that can score high.
    func order() -> [UInt32] {
        var keyed: [(key: Float, row: UInt32)] = []
        for item in 0..<owner.count where owner.isRecommendable(ItemRow(item)) {
            let vector = owner.vectors.row(item)
            var squares = 0.0
            for column in columns {
                let value = Double(vector[Int(column)]) - centre[Int(column)]
                squares += value * value
            }
            let bias = sideStandsOut ? Double(vector[side]) - centre[side] : 0
            // A user's vector is taken to be about as long as an item's.
            let key = sideStandsOut ? bias + length * squares.squareRoot() : squares
            keyed.append((Float(key), UInt32(item)))
        }
        keyed.sort { ($1.key, $0.row) < ($0.key, $1.row) }
        return keyed.map(\.row)
    }
}
