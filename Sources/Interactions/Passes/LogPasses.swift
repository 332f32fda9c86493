package import Basics
package import Kernels

/// Passes over a log that is in memory, all of it training.
package struct LogPasses: HistoryPasses {
    private let log: InteractionLog
    private let sliceSize: Int
    package let activity: [UInt32]
    package let audience: [UInt32]

    package init(_ log: InteractionLog, sliceSize: Int = PassableSource.sliceSize) {
        (self.log, self.sliceSize) = (log, sliceSize)
        activity = Self.counts(log.userRows, log.users.count)
        audience = Self.counts(log.itemRows, log.items.count)
    }

    package var userCount: Int { log.users.count }
    package var itemCount: Int { log.items.count }
    package var entryCount: Int { log.count }
    package var hasValues: Bool { log.values != nil }
    package var sliceCount: Int { (log.count + sliceSize - 1) / sliceSize }

    package func forEachSlice(
        workers: Workers, cancellation: Cancellation?, progress: ((_ done: Int, _ total: Int) -> Void)?,
        _ body: (_ slice: HistorySlice, _ worker: Int) throws -> Void
    ) throws {
        let told = PassProgress(total: log.count, cancellation: cancellation, progress: progress)
        try log.userRows.withUnsafeBufferPointer { users in
            try log.itemRows.withUnsafeBufferPointer { items in
                try log.values.withPointerToElements { values in
                    try workers.forEach(sliceCount) { index, worker in
                        let rows = index * sliceSize..<min(log.count, (index + 1) * sliceSize)
                        let slice = HistorySlice(
                            index: index, users: UnsafeBufferPointer(rebasing: users[rows]),
                            items: UnsafeBufferPointer(rebasing: items[rows]),
                            values: values.map { UnsafeBufferPointer(start: $0 + rows.lowerBound, count: rows.count) })
                        try body(slice, worker)
                        try told.advance(by: rows.count, worker)
                    }
                }
            }
        }
        told.finish()
    }

    private static func counts(_ rows: [UInt32], _ count: Int) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: count)
        for row in rows { counts[Int(row)] += 1 }
        return counts
    }
}
