import CKernels
import Kernels
import Torch

/// The loss of what comes next against drawn items, by kernels: scores, loss and their gradients without a copy of a vector for
/// each candidate. Sums go in an order that the number of threads does not change.
struct CandidateLoss {
    let loss: sk_candidates_loss
    let isa: InstructionSet

    /// - Parameters:
    ///   - places: `[places × width]`, of which as many columns count as items have floats.
    ///   - items: `[items × factors]`
    ///   - addends: `[places]`: what is added to all scores of a place; nil for nothing.
    ///   - candidates: `[places × each]`: rows of items, the first of a place comes next.
    /// - Returns: `[]`: the mean over places.
    func callAsFunction(
        _ places: Tensor, _ items: Tensor, addends: Tensor?, _ candidates: [UInt32], each: Int
    ) throws -> Tensor {
        let inputs = try [places, items, addends].compactMap { try $0?.to(.float32).contiguous() }
        let (count, width) = (places.shape[0], places.shape[1])
        let gradients = try Tensor.empty([count, each]), losses = try Tensor.empty([count])
        let sums = try addends.map { _ in try Tensor.empty([count]) }
        var loss = loss
        loss.weight = 1 / Float(count)
        let isa = isa.rawValue
        nonisolated(unsafe) let (logits, found) = (try gradients.floats(), try losses.floats())
        nonisolated(unsafe) let (added, summed) = (
            try inputs.dropFirst(2).first?.floats(), try sums?.floats()
        )
        try withShape(inputs, candidates, each) { shape in
            nonisolated(unsafe) let shape = shape
            try TorchLibrary.opened().parallel(count) { part in
                var loss = loss
                sk_candidates_scores(shape, part.lowerBound, part.upperBound, logits, isa)
                sk_candidates_losses(&loss, each, part.lowerBound, part.upperBound, added, logits, found, summed, isa)
            }
        }
        return try losses.mean().recorded(of: inputs) { gradient in
            let scale = try gradient.item()
            let ofPlaces = try Tensor.zeros([count, width]), ofItems = try Tensor.empty(items.shape)
            nonisolated(unsafe) let (change, left, right) = (
                try gradients.floats(), try ofPlaces.floats(), try ofItems.floats()
            )
            try withShape(inputs, candidates, each) { shape in
                nonisolated(unsafe) let shape = shape
                let library = try TorchLibrary.opened()
                try library.parallel(count) { part in
                    sk_candidates_places(shape, change, part.lowerBound, part.upperBound, left, width, isa)
                }
                try library.parallel(items.shape[0]) { part in
                    sk_candidates_items(shape, change, UInt32(part.lowerBound), UInt32(part.upperBound), right, isa)
                }
            }
            let all = [ofPlaces, ofItems] + (sums.map { [$0] } ?? [])
            return scale == 1 ? all : try all.map { try $0.multiplied(by: scale) }
        }
    }

    private func withShape(
        _ inputs: [Tensor], _ candidates: [UInt32], _ each: Int, _ body: (UnsafePointer<sk_candidates>) throws -> Void
    ) throws {
        try candidates.withUnsafeBufferPointer { rows in
            var shape = sk_candidates(
                count: inputs[0].shape[0], each: each, candidates: rows.baseAddress, width: inputs[1].shape[1],
                places: try inputs[0].floats(), items: try inputs[1].floats(), stride: inputs[0].shape[1])
            try withExtendedLifetime(inputs) { try withUnsafePointer(to: &shape) { try body($0) } }
        }
    }
}
