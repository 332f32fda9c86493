import Basics
import Kernels
import Synchronization

/// Parses the chunks of a source in parallel, straight into the columns of a log.
///
/// An optimistic guess makes the usual source fast and does not show in the result: that a column's ids are small integers.
/// Where they are not, all is parsed again with that column's ids interned.
struct ChunkedParsing {
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?

    /// - Parameters:
    ///   - starts: where each chunk's rows go.
    ///   - total: bytes that tasks will have told of when all is parsed.
    ///   - interning: columns of which it is known that their ids are no small integers.
    ///   - parse: parses one chunk; called on any thread.
    /// - Throws: what `parse` threw for the lowest chunk; `interrupted` when cancelled.
    func run(
        starts: [Int], bytes total: Int, interning: (users: Bool, items: Bool) = (false, false),
        into columns: inout LogColumns, _ parse: (_ chunk: Int, _ task: ChunkTask) throws -> ParsedChunk
    ) throws -> [ParsedChunk] {
        var (internsUsers, internsItems) = interning
        guard !starts.isEmpty else { return [] }
        while true {
            let pass = ChunkPass(total: total, cancellation: cancellation, progress: progress)
            var parsed = [ParsedChunk?](repeating: nil, count: starts.count)
            let outcome = Result {
                try columns.withPointers { pointers in
                    try parsed.withUnsafeMutableBufferPointer { parsed in
                        try workers.forEach(starts.count) { index, worker in
                            let task = ChunkTask(
                                output: pointers.advanced(by: starts[index]),
                                users: IDSink(isInterning: internsUsers), items: IDSink(isInterning: internsItems),
                                pass: pass, worker: worker)
                            guard try task.goesOn(after: 0) else { return }
                            let chunk = try parse(index, task)
                            if chunk.users.hasMetText { pass.metTextUsers.store(true, ordering: .relaxed) }
                            if chunk.items.hasMetText { pass.metTextItems.store(true, ordering: .relaxed) }
                            parsed[index] = chunk
                        }
                    }
                }
            }
            guard pass.isLost else {
                try outcome.get()
                progress?(total, total)
                return parsed.map { $0! }
            }
            if let cancellation, cancellation.isCancelled { try outcome.get() }
            internsUsers = internsUsers || pass.metTextUsers.load(ordering: .relaxed)
            internsItems = internsItems || pass.metTextItems.load(ordering: .relaxed)
        }
    }
}

/// What the parser of a chunk has at hand.
struct ChunkTask {
    /// Where the chunk's rows go.
    let output: ColumnPointers
    let users: IDSink
    let items: IDSink
    fileprivate let pass: ChunkPass
    fileprivate let worker: Int

    /// Takes note of bytes that were read. False says that all will be parsed again, so that the rest of the chunk is of no
    /// use.
    /// - Throws: `interrupted` when cancelled.
    func goesOn(after bytes: Int) throws -> Bool {
        if let cancellation = pass.cancellation, cancellation.isCancelled {
            throw StarlingError(.interrupted, "reading was stopped")
        }
        if bytes > 0 {
            let sum = pass.done.add(bytes, ordering: .relaxed).newValue
            if worker == 0 { pass.progress?(sum, pass.total) }
        }
        return !pass.isLost
    }
}

/// What all threads of a pass over the chunks share.
private final class ChunkPass {
    let metTextUsers = Atomic<Bool>(false)
    let metTextItems = Atomic<Bool>(false)
    let done = Atomic<Int>(0)
    let total: Int
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?

    init(total: Int, cancellation: Cancellation?, progress: ((Int, Int) -> Void)?) {
        (self.total, self.cancellation, self.progress) = (total, cancellation, progress)
    }

    var isLost: Bool { metTextUsers.load(ordering: .relaxed) || metTextItems.load(ordering: .relaxed) }
}
