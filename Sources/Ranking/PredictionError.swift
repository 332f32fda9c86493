public import Basics
public import Interactions
import Kernels

/// How far predicted values are from given ones: root mean square and mean absolute error.
public struct PredictionError: Sendable, Equatable {
    /// Interactions that were predicted.
    public let count: Int
    /// √(mean of squared errors); 0 for no interactions.
    public let rmse: Double
    /// Mean of absolute errors; 0 for no interactions.
    public let mae: Double

    /// Predicts every interaction of `log` as the dot product of its user's and its item's vector.
    ///
    /// Users are cut into fixed blocks; each block adds its errors in double precision in row order, and the blocks'
    /// sums are added in order, so the result has the same bits at any thread count.
    ///
    /// - Parameters:
    ///   - log: interactions with values (those without count as 1), under the vocabularies of encoder and index; those
    ///     with items behind the index's rows are left out.
    ///   - range: where given, predictions are moved into it first, as `1...5` for stars.
    /// - Throws: `interrupted` when cancelled; what the encoder throws.
    /// - Complexity: O(interactions × dimensions).
    public static func measure(
        _ log: InteractionLog, ranker: Ranker, encoder: some QueryEncoder, clippedTo range: ClosedRange<Float>? = nil,
        cancellation: Cancellation? = nil
    ) throws -> PredictionError {
        precondition(encoder.dimensions == ranker.index.dimensions, "the encoder and the index differ in dimensions")
        precondition(log.items.count >= ranker.index.count, "the log is not of this index's items")
        let log =
            log.items.count == ranker.index.count
            ? log : log.selecting(log.itemRows.indices.filter { log.itemRows[$0] < ranker.index.count })
        let matrix = log.userMatrix()
        let users = (0..<matrix.rowCount).filter { matrix.offsets[$0] < matrix.offsets[$0 + 1] }.map { UserRow($0) }
        let (wave, block) = (4096, 64)
        let vectors = FactorTable(rows: min(wave, max(1, users.count)), width: encoder.dimensions)
        var (squares, absolutes) = (0.0, 0.0)
        for start in stride(from: 0, to: users.count, by: wave) {
            if cancellation?.isCancelled ?? false { throw StarlingError(.interrupted, "evaluation was stopped") }
            let part = Array(users[start..<min(start + wave, users.count)])
            try encoder.encode(part, into: vectors)
            let (base, step) = (vectors.base, vectors.stride)
            let blocks = (part.count + block - 1) / block
            let sums = [(Double, Double)](unsafeUninitializedCapacity: blocks) { sums, initialised in
                ranker.workers.forEach(blocks) { index, _ in
                    var sum = (0.0, 0.0)
                    for position in index * block..<min((index + 1) * block, part.count) {
                        let entries = matrix.offsets[part[position].index]..<matrix.offsets[part[position].index + 1]
                        ranker.addErrors(of: base + position * step, matrix, entries, range, to: &sum)
                    }
                    (sums.baseAddress! + index).initialize(to: sum)
                }
                initialised = blocks
            }
            for sum in sums { (squares, absolutes) = (squares + sum.0, absolutes + sum.1) }
        }
        let total = Double(max(1, log.count))
        return PredictionError(count: log.count, rmse: (squares / total).squareRoot(), mae: absolutes / total)
    }
}

extension Ranker {
    fileprivate func addErrors(
        of vector: UnsafePointer<Float>, _ matrix: InteractionMatrix<UserRow, ItemRow>, _ entries: Range<Int>,
        _ range: ClosedRange<Float>?, to sum: inout (Double, Double)
    ) {
        matrix.columns.withUnsafeBufferPointer { columns in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: entries.count) { predictions in
                write(scores: predictions, of: vector, items: UnsafeBufferPointer(rebasing: columns[entries]))
                for (offset, entry) in entries.enumerated() {
                    var prediction = predictions[offset]
                    if let range { prediction = min(max(prediction, range.lowerBound), range.upperBound) }
                    let error = Double(prediction) - Double(matrix.values?[entry] ?? 1)
                    sum = (sum.0 + error * error, sum.1 + abs(error))
                }
            }
        }
    }
}
