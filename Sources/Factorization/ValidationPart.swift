import Basics
import CKernels
import Interactions
import Kernels

/// Held-out ratings, and how far predictions are from them. Predictions are r̂ itself, not clipped to a range.
struct ValidationPart {
    private let samples: Samples
    private let parameters: FactorParameters
    private let workers: Workers
    private let isa: InstructionSet

    init(_ log: InteractionLog, parameters: FactorParameters, workers: Workers, isa: InstructionSet) {
        samples = Samples(log, parameters: parameters)
        self.parameters = parameters
        self.workers = workers
        self.isa = isa
    }

    /// `val_rmse`, `val_mae` and `val_loss` (the mean squared error). Sums run over fixed stretches, in order.
    /// Each rank computes its share.
    func metrics(_ ranks: any Communicator = OneRank()) throws -> [String: Double] {
        guard samples.count > 0 else { return [:] }
        let stretch = 1 << 14
        let parts = (samples.count + stretch - 1) / stretch
        let sums = UnsafeMutablePointer<(squared: Double, absolute: Double)>.allocate(capacity: parts)
        defer { sums.deallocate() }
        let own = ranks.part(of: parts)
        workers.forEach(own.count) { index, _ in
            let part = own.lowerBound + index
            let range = part * stretch..<min(samples.count, (part + 1) * stretch)
            var batch = samples.batch(range, of: parameters)
            let squared = sk_adam_errors(&batch, 0, range.count, isa.rawValue)
            let absolute = range.reduce(0.0) { $0 + Double(abs(samples.errors[$1])) }
            (sums + part).initialize(to: (squared, absolute))
        }
        let all = try ranks.gathered(UnsafeBufferPointer(start: sums + own.lowerBound, count: own.count))
        let total = all.joined().reduce((0.0, 0.0)) { ($0.0 + $1.squared, $0.1 + $1.absolute) }
        let count = Double(samples.count)
        return ["val_loss": total.0 / count, "val_rmse": (total.0 / count).squareRoot(), "val_mae": total.1 / count]
    }
}
