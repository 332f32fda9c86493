public import Kernels

extension SyntheticRatings {
    /// The mean of the rating that this user gives this item, over the noise alone: the best prediction there is.
    public func expectedRating(_ user: UserRow, _ item: ItemRow) -> Double {
        scale.moments(mean: plan.taste(user.index, item.index), deviation: noise).mean
    }

    /// The noise floor: the RMSE of ``expectedRating(_:_:)``, in expectation over the noise, on the pairs of a log
    /// that this made, or of a part of it. No prediction that does not know the rating itself has a lower one.
    ///
    /// It is √(mean over the pairs of Var[r | plan]), where Var[r | plan] is the variance of the rounded and clipped
    /// rating given the pair's planted taste, computed from the normal distribution function and not from the
    /// ratings that happened to be drawn. The RMSE measured on n ratings scatters about it by some 1/√n of its
    /// size. A trained model has to estimate the plan from finitely many ratings and stays above.
    ///
    /// - Complexity: O(interactions × (rank + 9)), spread over the workers; the result does not depend on them.
    public func noiseFloor(over log: InteractionLog, workers: Workers = Workers()) -> Double {
        precondition(log.users.count == users && log.items.count == items && log.count > 0, "not a log of these users")
        let blockSize = 1 << 14
        var sums = [Double](repeating: 0, count: (log.count + blockSize - 1) / blockSize)
        sums.withUnsafeMutableBufferPointer { sums in
            workers.forEach(sums.count) { block, _ in
                var sum = 0.0
                for index in block * blockSize..<min(log.count, (block + 1) * blockSize) {
                    let taste = plan.taste(Int(log.userRows[index]), Int(log.itemRows[index]))
                    sum += scale.moments(mean: taste, deviation: noise).variance
                }
                sums[block] = sum
            }
        }
        return (sums.reduce(0, +) / Double(log.count)).squareRoot()
    }
}
