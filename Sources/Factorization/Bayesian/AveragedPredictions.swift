import Formats
import Interactions
import Kernels

/// Predictions of held-out ratings, averaged over the samples so far.
///
/// `@unchecked Sendable`: workers write disjoint stretches.
final class AveragedPredictions: @unchecked Sendable {
    private let users: [UInt32], items: [UInt32], values: [Float]
    /// Sums of predictions over ``samples`` samples.
    private let sums: UnsafeMutableBufferPointer<Double>
    private var samples = 0

    init(_ log: InteractionLog) {
        (users, items) = (log.userRows, log.itemRows)
        values = log.values ?? [Float](repeating: 1, count: log.count)
        sums = .allocate(capacity: log.count)
        sums.initialize(repeating: 0)
    }

    deinit { sums.deallocate() }

    /// Predicts by a sample.
    ///
    /// - Parameter counts: whether the sample belongs to the average; in burn-in it stands for itself.
    /// - Returns: `val_rmse` and `val_mae` of the average, `val_sample_rmse` of this sample.
    func add(
        _ users: BayesianSide, _ items: BayesianSide, mean: Float, counts: Bool, _ workers: Workers
    ) -> [String: Double] {
        guard !values.isEmpty else { return [:] }
        let stretch = 1 << 12
        let parts = (values.count + stretch - 1) / stretch
        samples += counts ? 1 : 0
        let scale = counts ? 1 / Double(samples) : 1
        let errors = [SIMD4<Double>](unsafeUninitializedCapacity: parts) { errors, initialised in
            let errors = errors.baseAddress!
            workers.forEach(parts) { part, _ in
                var sum = SIMD4<Double>()
                for index in part * stretch..<min(values.count, (part + 1) * stretch) {
                    let prediction = self.prediction(index, users, items, mean: mean)
                    if counts { sums[index] += prediction }
                    let error = (counts ? sums[index] * scale : prediction) - Double(values[index])
                    let own = prediction - Double(values[index])
                    sum += SIMD4(error * error, abs(error), own * own, 0)
                }
                (errors + part).initialize(to: sum)
            }
            initialised = parts
        }
        let total = errors.reduce(SIMD4(), +) / Double(values.count)
        return [
            "val_rmse": total[0].squareRoot(), "val_mae": total[1], "val_sample_rmse": total[2].squareRoot(),
        ]
    }

    private func prediction(_ index: Int, _ users: BayesianSide, _ items: BayesianSide, mean: Float) -> Double {
        let (user, item, stride) = (Int(self.users[index]), Int(self.items[index]), users.factors.stride)
        let p = UnsafeRawPointer(users.factors.base + user * stride)
        let q = UnsafeRawPointer(items.factors.base + item * stride)
        var products = SIMD16<Float>()
        for offset in Swift.stride(from: 0, to: 4 * stride, by: 64) {
            products +=
                p.load(fromByteOffset: offset, as: SIMD16<Float>.self)
                * q.load(fromByteOffset: offset, as: SIMD16<Float>.self)
        }
        return Double(mean + users.biases.base[user] + items.biases.base[item] + products.sum())
    }

    var tensors: [TensorSource] {
        [
            TensorSource(name: "validation.sums", Array(sums)),
            TensorSource(name: "validation.samples", [Int64(samples)]),
        ]
    }

    func restore(from file: SafeTensorsFile) throws {
        _ = sums.update(from: try file.tensor("validation.sums").expect(.float64, shape: [sums.count]).doubles())
        samples = Int(try file.tensor("validation.samples").expect(shape: [1]).int64s()[0])
    }
}
