import CKernels
import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What workers share of a mini-batch and of the next one, which is fetched meanwhile.
///
/// `@unchecked Sendable`: workers write disjoint samples, rows they own, and wait for each other in between.
final class BatchBuffers: @unchecked Sendable {
    /// The columns of a batch; rows, owners and links are those of users, then of items.
    struct Columns {
        let rows: [UnsafeMutablePointer<UInt32>], owners: [UnsafeMutablePointer<UInt16>]
        let next: [UnsafeMutablePointer<UInt32>]
        let values: UnsafeMutablePointer<Float>
    }

    let errors: UnsafeMutablePointer<Float>
    /// Only where gradients are clipped.
    let norms: UnsafeMutablePointer<Float>?
    private let columns: [Columns]
    private let slots: [UnsafeMutablePointer<sk_adam_slot>]
    private let rows: [Int]
    private var memory: [UnsafeMutableRawPointer] = []

    init(size: Int, rows: [Int], clipped: Bool) {
        var memory: [UnsafeMutableRawPointer] = []
        func column<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
            memory.append(LargeMemory.zeroed(bytes: count * MemoryLayout<Element>.stride))
            return memory.last!.bindMemory(to: Element.self, capacity: max(1, count))
        }
        columns = (0..<2).map { _ in
            Columns(
                rows: (0..<2).map { _ in column(UInt32.self, size) },
                owners: (0..<2).map { _ in column(UInt16.self, size) },
                next: (0..<2).map { _ in column(UInt32.self, size) }, values: column(Float.self, size))
        }
        errors = column(Float.self, size)
        norms = clipped ? column(Float.self, 2 * size) : nil
        slots = rows.map { column(sk_adam_slot.self, $0) }
        self.rows = rows
        self.memory = memory
    }

    deinit { for part in memory { free(part) } }

    /// The columns of a batch; those of the one after the next are the same again.
    subscript(step: Int) -> Columns { columns[step & 1] }

    /// Forgets which rows were seen, so that batches may be numbered anew from 1.
    func forgetRows() {
        for (slots, rows) in zip(slots, rows) { slots.update(repeating: sk_adam_slot(), count: rows) }
    }

    /// Fetches a worker's share of a batch: `order` are its ratings.
    func gather(
        _ order: UnsafePointer<UInt32>, at range: Range<Int>, of step: Int, from ratings: AdamRatings, workers: Int,
        isa: InstructionSet
    ) {
        let (columns, start) = (self[step], range.lowerBound)
        sk_adam_gather(
            ratings.base, order, range.count, columns.rows[0] + start, columns.rows[1] + start, columns.values + start)
        for side in 0...1 {
            sk_adam_owners(
                columns.rows[side] + start, range.count, UInt32(workers), columns.owners[side] + start, isa.rawValue)
        }
    }

    /// Finds a worker's rows in a batch that everybody has fetched.
    func group(_ size: Int, of step: Int, for worker: Int, number: Int, into lane: BatchLane) {
        let columns = self[step]
        for side in 0...1 {
            var groups = lane.groups(side, step)
            sk_adam_group(
                columns.rows[side], columns.owners[side], size, UInt16(worker), UInt32(number), slots[side], lane.own,
                lane.tails, columns.next[side], &groups)
            lane.counts[step & 1][side] = groups.count
        }
    }

    /// Adds the columns of a batch of `size` samples to its description.
    func describe(_ size: Int, of step: Int, _ work: inout sk_adam_batch) {
        let columns = self[step]
        work.samples = size
        work.values = UnsafePointer(columns.values)
        work.errors = errors
        work.norms = norms
        work.sides.0.rows = UnsafePointer(columns.rows[0])
        work.sides.1.rows = UnsafePointer(columns.rows[1])
        work.sides.0.next = UnsafePointer(columns.next[0])
        work.sides.1.next = UnsafePointer(columns.next[1])
    }
}

/// What one worker has of a mini-batch and of the next: the rows it owns, and their gradients.
///
/// `@unchecked Sendable`: only its worker touches it.
final class BatchLane: @unchecked Sendable {
    /// The next share of the epoch's order; scratch for grouping.
    let order: UnsafeMutablePointer<UInt32>, own: UnsafeMutablePointer<UInt32>, tails: UnsafeMutablePointer<UInt32>
    /// Groups found, by batch and side.
    fileprivate(set) var counts = [[0, 0], [0, 0]]
    private let rows: [UnsafeMutablePointer<UInt32>], heads: [UnsafeMutablePointer<UInt32>]
    private let gradients: [UnsafeMutableRawPointer], biasGradients: [UnsafeMutablePointer<Float>]

    /// Memory is taken when first written, so that a worker of many takes its share.
    init(size: Int, rows tables: [Int], stride: Int) {
        func column() -> UnsafeMutablePointer<UInt32> { .allocate(capacity: size + 16) }
        (order, own, tails) = (column(), column(), column())
        rows = (0..<4).map { _ in column() }
        heads = (0..<4).map { _ in column() }
        gradients = tables.map { .allocate(byteCount: max(1, min(size, $0)) * stride * 4, alignment: 64) }
        biasGradients = tables.map { .allocate(capacity: max(1, min(size, $0))) }
    }

    deinit {
        for part in [order, own, tails] + rows + heads { part.deallocate() }
        for part in gradients { part.deallocate() }
        for part in biasGradients { part.deallocate() }
    }

    /// The worker's rows of one side of a batch. Gradients are the last batch's.
    func groups(_ side: Int, _ step: Int) -> sk_adam_groups {
        let part = (step & 1) * 2 + side
        return sk_adam_groups(
            rows: rows[part], heads: heads[part], count: counts[step & 1][side],
            gradients: gradients[side].assumingMemoryBound(to: Float.self), bias_gradients: biasGradients[side])
    }
}
