import Basics
import Formats

/// Where an unfinished epoch stands: which of its steps are done, and the loss that each added. Kept in checkpoints,
/// so that an interrupted epoch goes on to the same bits.
///
/// `@unchecked Sendable`: each step's entries are written by the one worker that does the step.
final class EpochPlace: @unchecked Sendable {
    private let done: UnsafeMutableBufferPointer<UInt8>
    private let losses: UnsafeMutableBufferPointer<Double>

    init(steps: Int) {
        done = .allocate(capacity: steps)
        losses = .allocate(capacity: steps)
        done.initialize(repeating: 0)
        losses.initialize(repeating: 0)
    }

    deinit {
        done.deallocate()
        losses.deallocate()
    }

    func isDone(_ step: Int) -> Bool { done[step] != 0 }

    func finish(_ step: Int, loss: Double) {
        losses[step] = loss
        done[step] = 1
    }

    /// The first step that is not done, for steps that are done in their order; all of them if none is left.
    var next: Int { done.firstIndex(of: 0) ?? done.count }

    /// Gives every rank what the others have done: each of `ranges` is one rank's.
    func share(_ ranges: [Range<Int>], _ ranks: any Communicator) throws {
        try ranks.allGather(in: UnsafeMutableRawBufferPointer(done), parts: ranges)
        try ranks.allGather(
            in: UnsafeMutableRawBufferPointer(losses), parts: ranges.scaled(by: 8))
    }

    var isComplete: Bool { done.allSatisfy { $0 != 0 } }

    /// Sums over finished steps, in step order: their sizes and their losses.
    ///
    /// - Parameter steps: those to look at; nil = all.
    func sums(of steps: Range<Int>? = nil, size: (Int) -> Int) -> (done: Int, loss: Double) {
        var sums = (done: 0, loss: 0.0)
        for step in steps ?? done.indices where done[step] != 0 {
            sums.done += size(step)
            sums.loss += losses[step]
        }
        return sums
    }

    /// Ready for the next epoch.
    func reset() {
        done.update(repeating: 0)
        losses.update(repeating: 0)
    }

    var tensors: [TensorSource] {
        [
            TensorSource(name: "progress.done", Array(done)), TensorSource(name: "progress.losses", Array(losses)),
        ]
    }

    func restore(from file: SafeTensorsFile) throws {
        let (steps, sums) = (try file.tensor("progress.done"), try file.tensor("progress.losses"))
        try steps.expect(.uint8, shape: [done.count])
        try sums.expect(.float64, shape: [losses.count])
        _ = done.update(from: try steps.bytes8())
        _ = losses.update(from: try sums.doubles())
    }
}
