import CKernels
import Interactions
import Kernels

/// Held-out ratings as three columns of raw memory, users and items by place, for kernels to walk.
///
/// `@unchecked Sendable`: columns do not change after `init`; `errors` is written in disjoint stretches.
final class Samples: @unchecked Sendable {
    let count: Int
    let users: UnsafeMutablePointer<UInt32>, items: UnsafeMutablePointer<UInt32>
    let values: UnsafeMutablePointer<Float>
    /// r − r̂ of each sample, filled by kernels.
    let errors: UnsafeMutablePointer<Float>

    /// Room for `count` samples, all zero.
    init(count: Int) {
        self.count = count
        users = .allocate(capacity: max(1, count))
        items = .allocate(capacity: max(1, count))
        values = .allocate(capacity: max(1, count))
        errors = .allocate(capacity: max(1, count))
        users.initialize(repeating: 0, count: max(1, count))
        items.initialize(repeating: 0, count: max(1, count))
        values.initialize(repeating: 0, count: max(1, count))
        errors.initialize(repeating: 0, count: max(1, count))
    }

    /// The ratings of a log, at the places that `parameters` gives their rows.
    convenience init(_ log: InteractionLog, parameters: FactorParameters) {
        self.init(count: log.count)
        for index in 0..<log.count {
            let (user, item) = (Int(log.userRows[index]), Int(log.itemRows[index]))
            users[index] = parameters.userPlaces?[user] ?? UInt32(user)
            items[index] = parameters.itemPlaces?[item] ?? UInt32(item)
            values[index] = log.value(index)
        }
    }

    deinit {
        users.deallocate()
        items.deallocate()
        values.deallocate()
        errors.deallocate()
    }

    /// A batch over samples `range`, with all that predicting needs.
    func batch(_ range: Range<Int>, of parameters: FactorParameters) -> sk_adam_batch {
        var batch = parameters.batch
        batch.sides.0.rows = UnsafePointer(users + range.lowerBound)
        batch.sides.1.rows = UnsafePointer(items + range.lowerBound)
        batch.samples = range.count
        batch.values = UnsafePointer(values + range.lowerBound)
        batch.errors = errors + range.lowerBound
        return batch
    }
}

extension FactorParameters {
    /// A batch without samples: the model and its shape.
    var batch: sk_adam_batch {
        var batch = sk_adam_batch()
        batch.sides.0.factors = users.base
        batch.sides.1.factors = items.base
        batch.sides.0.biases = userBiases?.base
        batch.sides.1.biases = itemBiases?.base
        batch.stride = users.stride
        batch.width = users.width
        batch.mean = mean
        return batch
    }
}
