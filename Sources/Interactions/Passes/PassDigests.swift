import Basics

/// Digests of a log's slices, taken by many threads as a pass goes by.
///
/// `@unchecked Sendable`: slices have places of their own.
final class PassDigests: @unchecked Sendable {
    private struct Slice {
        var users = "", items = "", values = "", times = ""
    }

    private let indexed: IndexedSource
    private let slices: UnsafeMutableBufferPointer<Slice>

    init(_ indexed: IndexedSource) {
        self.indexed = indexed
        slices = .allocate(capacity: indexed.source.slices.count)
        slices.initialize(repeating: Slice())
    }

    deinit { slices.deinitialize().deallocate() }

    func add(_ slice: PartedSlice, _ index: Int) {
        func digest(_ column: UnsafeMutablePointer<some BitwiseCopyable>) -> String {
            LogDigest.digest(UnsafeBufferPointer(start: UnsafePointer(column), count: slice.count))
        }
        let columns = slice.columns
        slices[index] = Slice(
            users: digest(columns.users), items: digest(columns.items), values: columns.values.map(digest) ?? "",
            times: columns.times.map(digest) ?? "")
    }

    /// ``InteractionLog/fingerprint(workers:)`` of the log, once all slices were added.
    var fingerprint: String {
        LogDigest(
            users: slices.map(\.users), items: slices.map(\.items),
            values: indexed.hasValues ? slices.map(\.values) : nil,
            times: indexed.hasTimes ? slices.map(\.times) : nil
        ).hex(indexed.count, indexed.users, indexed.items)
    }
}
