/// Points in the two directions in which they spread most: principal component analysis.
package struct PrincipalAxes {
    /// Along the first and along the second axis, the mean at 0; `[points]`.
    package let x, y: [Double]
    /// The share of the points' variance that each axis has.
    package let shares: [Double]

    /// Axes are signed so that their element of greatest magnitude is positive: the same points give the same map.
    ///
    /// - Parameter points: `[points × dimensions]`, each point of the same dimensions.
    /// - Returns: nil if points are all the same or some value is not finite.
    /// - Complexity: O(points · dimensions² + dimensions³).
    package init?(of points: [[Float]]) {
        guard let dimensions = points.first?.count, dimensions > 0 else { return nil }
        var mean = [Double](repeating: 0, count: dimensions)
        for point in points {
            precondition(point.count == dimensions)
            for (index, value) in point.enumerated() { mean[index] += Double(value) }
        }
        for index in mean.indices { mean[index] /= Double(points.count) }
        guard mean.allSatisfy(\.isFinite) else { return nil }

        var flat = [Double](repeating: 0, count: dimensions * dimensions)
        var centred = mean
        flat.withUnsafeMutableBufferPointer { flat in
            for point in points {
                for index in 0..<dimensions { centred[index] = Double(point[index]) - mean[index] }
                centred.withUnsafeBufferPointer { centred in
                    for row in 0..<dimensions {
                        let (factor, start) = (centred[row], row * dimensions)
                        for column in row..<dimensions { flat[start + column] += factor * centred[column] }
                    }
                }
            }
        }
        let covariance = (0..<dimensions).map { row in
            (0..<dimensions).map { flat[min(row, $0) * dimensions + max(row, $0)] / Double(points.count) }
        }
        let total = (0..<dimensions).reduce(0) { $0 + covariance[$1][$1] }
        guard total > 0, total.isFinite else { return nil }

        let eigen = SymmetricEigen(of: covariance)
        func along(_ axis: Int) -> [Double] {
            guard axis < dimensions else { return points.map { _ in 0 } }
            return points.map { point in
                var sum = 0.0
                for (index, value) in point.enumerated() {
                    sum += (Double(value) - mean[index]) * eigen.vectors[axis][index]
                }
                return sum
            }
        }
        (x, y) = (along(0), along(1))
        shares = (0..<2).map { $0 < dimensions ? max(0, eigen.values[$0]) / total : 0 }
    }
}
