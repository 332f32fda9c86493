package import Basics
import Formats
package import Kernels

/// The training part of a source that is gone through in passes: no log of it is ever in memory.
package final class SourcePasses: HistoryPasses {
    package let indexed: IndexedSource
    /// Nil if nothing is held out.
    let parts: RandomParts?
    package let activity: [UInt32]
    package let audience: [UInt32]
    /// ``InteractionLog/fingerprint(workers:)`` of the log that the source would make.
    package let fingerprint: String
    /// The least and the greatest value of training; nil without values.
    package let valueRange: ClosedRange<Float>?
    package let validation: InteractionLog?
    package let test: InteractionLog?
    /// Interactions of each user in each group of slices, `[groups × users]`; see ``userMatrix(workers:cancellation:progress:)``.
    let groupCounts: [UInt32]
    /// Where groups of slices begin, and the end.
    let groups: [Int]

    /// Goes through the source once for its fingerprint, the held-out parts, and how much each user and item has.
    ///
    /// - Parameters:
    ///   - rule: a random split, or nil to hold out nothing.
    ///   - progress: called now and then on the calling thread, with interactions.
    /// - Throws: `usage` for a rule that needs the log; `badData` if a part would be empty, or the source has changed; `interrupted`.
    /// - Complexity: O(interactions + users + items). In memory are a slice a thread, the held-out parts and the counts.
    package init(
        _ indexed: IndexedSource, split rule: SplitRule?, seed: UInt64, workers: Workers,
        cancellation: Cancellation? = nil, progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws {
        self.indexed = indexed
        let source = indexed.source
        parts = try Self.parts(rule, seed, indexed, workers)
        let summary = PassSummary(indexed, workers)
        var heldOut = HeldOutColumns(parts, indexed)
        let told = PassProgress(total: indexed.count, cancellation: cancellation, progress: progress)
        let (slices, groups) = (source.slices, summary.groups)
        let buffers = parts.buffers(source, workers)
        try heldOut.withTargets { targets in
            try workers.forEach(groups.count - 1) { group, worker in
                for index in groups[group]..<groups[group + 1] {
                    try buffers[worker].read(slices[index], of: indexed)
                    for target in targets { target.take(buffers[worker], index) }
                    summary.add(buffers[worker], slice: index, group: group, worker)
                    try told.advance(by: slices[index].count, worker)
                }
            }
        }
        told.finish()
        (self.groups, groupCounts) = (groups, summary.groupCounts)
        (activity, audience) = (summary.activity, summary.audience)
        (validation, test) = heldOut.logs(indexed.users, indexed.items)
        (fingerprint, valueRange) = (summary.fingerprint, summary.valueRange)
    }

    /// - Throws: `usage` for a rule that is not by places in the log alone.
    static func parts(_ rule: SplitRule?, _ seed: UInt64, _ indexed: IndexedSource, _ workers: Workers) throws
        -> RandomParts?
    {
        switch rule {
        case nil: return nil
        case .random(let validation, let test):
            return try RandomParts(
                validation: validation, test: test, seed: seed, count: indexed.count,
                sliceSize: indexed.source.sliceSize, workers: workers)
        case let rule?: throw rule.needsLog
        }
    }

    package var userCount: Int { indexed.users.count }
    package var itemCount: Int { indexed.items.count }
    package var entryCount: Int { parts?.total(.train) ?? indexed.count }
    package var hasValues: Bool { indexed.hasValues }
    package var sliceCount: Int { indexed.source.slices.count }

    package func forEachSlice(
        workers: Workers, cancellation: Cancellation?, progress: ((_ done: Int, _ total: Int) -> Void)?,
        _ body: (_ slice: HistorySlice, _ worker: Int) throws -> Void
    ) throws {
        let told = PassProgress(total: indexed.count, cancellation: cancellation, progress: progress)
        let slices = indexed.source.slices
        let buffers = parts.buffers(indexed.source, workers)
        try workers.forEach(slices.count) { index, worker in
            try buffers[worker].read(slices[index], of: indexed)
            try body(buffers[worker].training(index), worker)
            try told.advance(by: slices[index].count, worker)
        }
        told.finish()
    }
}

extension RandomParts? {
    func buffers(_ source: PassableSource, _ workers: Workers) -> [PartedSlice] {
        source.buffers(workers).map { PartedSlice($0, self) }
    }
}

/// A slice of the log, and which part each of its interactions is of.
final class PartedSlice {
    private let buffer: SliceBuffer
    private let rule: RandomParts?
    /// Of as many interactions as were read; empty if all are training.
    private(set) var parts: [LogPart] = []
    private(set) var count = 0

    init(_ buffer: SliceBuffer, _ rule: RandomParts?) { (self.buffer, self.rule) = (buffer, rule) }

    var columns: ColumnPointers { buffer.columns }

    func read(_ range: Range<Int>, of source: IndexedSource) throws {
        try source.read(range, into: buffer.columns)
        count = range.count
        guard let rule else { return }
        parts = [LogPart](unsafeUninitializedCapacity: count) { target, filled in
            rule.write(range, to: target.baseAddress!)
            filled = range.count
        }
    }

    /// What the slice has of training, moved together: the rest of the slice is lost.
    func training(_ index: Int) -> HistorySlice {
        let (users, items, values) = (columns.users, columns.items, columns.values)
        var next = count
        if !parts.isEmpty {
            next = 0
            for place in 0..<count {
                users[next] = users[place]
                items[next] = items[place]
                if let values { values[next] = values[place] }
                next += parts[place] == .train ? 1 : 0
            }
        }
        return HistorySlice(
            index: index, users: UnsafeBufferPointer(start: users, count: next),
            items: UnsafeBufferPointer(start: items, count: next),
            values: values.map { UnsafeBufferPointer(start: $0, count: next) })
    }
}
