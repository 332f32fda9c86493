import Dispatch
import Synchronization

/// Reads blocks of a ``BlockFile`` in a given order on a thread of its own, some ahead of those who walk them.
///
/// `@unchecked Sendable`: a slot of memory belongs to the reading thread or to one who walks its block.
final class BlockReader: @unchecked Sendable {
    private struct Queue {
        /// Slots that nobody uses.
        var free: [Int] = []
        /// Blocks that were read, with their slots, the first that is to be walked last.
        var read: [(block: PackedBlock, slot: Int)] = []
        var failure: (any Error)?
        var isClosed = false
    }
    private let queue = Mutex(Queue())
    // They begin at 0: one that ends below where it began is taken for one in use.
    private let free = DispatchSemaphore(value: 0)
    private let ready = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let slots: [UnsafeMutableRawPointer]

    /// - Parameter slots: blocks that are held at most, those that are walked included.
    init(_ file: BlockFile, order: [Int], slots count: Int) {
        let size = max(8, file.largestBlock)
        slots = (0..<min(count, max(1, order.count))).map { _ in .allocate(byteCount: size, alignment: 64) }
        queue.withLock { $0.free = Array(slots.indices) }
        for _ in slots { free.signal() }
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            read(order, of: file)
            ended.signal()
        }
    }

    private func read(_ order: [Int], of file: BlockFile) {
        for (index, block) in order.enumerated() {
            free.wait()
            guard let slot = queue.withLock({ $0.isClosed ? nil : $0.free.removeLast() }) else { return }
            do {
                let read = try file.read(block, into: slots[slot])
                queue.withLock { $0.read.insert((read, slot), at: 0) }
                ready.signal()
            } catch {
                queue.withLock { $0.failure = error }
                for _ in index..<order.count { ready.signal() }
                return
            }
        }
    }

    /// Calls `body` with the next block of the order. To be called as often as the order has blocks, by any thread.
    ///
    /// - Throws: `failed` if the disk is broken.
    func next(_ body: (PackedBlock) -> Void) throws {
        ready.wait()
        let (block, slot) = try queue.withLock { queue in
            guard let next = queue.read.popLast() else { throw queue.failure! }
            return next
        }
        body(block)
        queue.withLock { $0.free.append(slot) }
        free.signal()
    }

    /// Ends the thread and lets go of the memory; the order need not be at its end.
    func close() {
        queue.withLock { $0.isClosed = true }
        free.signal()
        ended.wait()
        for slot in slots { slot.deallocate() }
    }
}
