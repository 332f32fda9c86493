import Kernels
import Reports
import Testing

@Suite struct PrincipalAxesTests {
    private func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

    @Test func knownEigenvalues() {
        // 3 along (1, 1), 1 along (1, −1).
        let eigen = SymmetricEigen(of: [[2, 1], [1, 2]])
        #expect(abs(eigen.values[0] - 3) < 1e-12 && abs(eigen.values[1] - 1) < 1e-12)
        let half = 0.5.squareRoot()
        #expect(zip(eigen.vectors[0], [half, half]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(abs(abs(eigen.vectors[1][0]) - half) < 1e-12)
        #expect(SymmetricEigen(of: [[5]]).values == [5])
        #expect(SymmetricEigen(of: [[0, 0], [0, 0]]).values == [0, 0])
        // The second differences of n points: 2 − 2·cos(πi ÷ (n + 1)); for n = 3 that is 2 + √2, 2, 2 − √2.
        let chain = SymmetricEigen(of: [[2, -1, 0], [-1, 2, -1], [0, -1, 2]]).values
        #expect(zip(chain, [2 + 2.0.squareRoot(), 2, 2 - 2.0.squareRoot()]).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test(arguments: [2, 7, 33, 80]) func decomposes(n: Int) {
        var random = RandomStream(seed: UInt64(n), .test)
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
        for row in 0..<n {
            for column in 0...row {
                matrix[row][column] = random.normal()
                matrix[column][row] = matrix[row][column]
            }
        }
        let eigen = SymmetricEigen(of: matrix)
        #expect(zip(eigen.values, eigen.values.dropFirst()).allSatisfy { $0 >= $1 })
        for (index, vector) in eigen.vectors.enumerated() {
            for row in 0..<n { #expect(abs(dot(matrix[row], vector) - eigen.values[index] * vector[row]) < 1e-10) }
            for other in 0...index {
                #expect(abs(dot(vector, eigen.vectors[other]) - (other == index ? 1 : 0)) < 1e-11)
            }
            #expect(vector.max()! == vector.map { abs($0) }.max()!)
        }
    }

    @Test func pointsOnALine() throws {
        // 2 along (3, 4) ÷ 5 from one to the next.
        let points: [[Float]] = [[1, 2, 7], [7, 10, 7], [13, 18, 7], [19, 26, 7], [25, 34, 7]]
        let axes = try #require(PrincipalAxes(of: points))
        #expect(zip(axes.x, [-20, -10, 0, 10, 20]).allSatisfy { abs($0 - $1) < 1e-9 })
        #expect(axes.y.allSatisfy { abs($0) < 1e-9 } && abs(axes.shares[0] - 1) < 1e-12 && axes.shares[1] < 1e-12)
        let single = try #require(PrincipalAxes(of: [[1], [3]]))
        #expect(single.x == [-1, 1] && single.y == [0, 0] && single.shares == [1, 0])
        #expect(PrincipalAxes(of: [[1, 2], [1, 2]]) == nil && PrincipalAxes(of: []) == nil)
        #expect(PrincipalAxes(of: [[1, 2], [.nan, 2]]) == nil)
    }

    @Test func propertiesOfRandomPoints() throws {
        var random = RandomStream(seed: 8, .test)
        let scales: [Float] = [1, 5, 0.1, 3, 1, 0]
        let points = (0..<300).map { _ in scales.map { $0 * Float(random.normal()) + 2 } }
        let axes = try #require(PrincipalAxes(of: points))
        let count = Double(points.count)
        #expect(abs(axes.x.reduce(0, +)) < 1e-8 && abs(axes.y.reduce(0, +)) < 1e-8)
        // No correlation between the axes, and no direction with more variance than the first.
        #expect(abs(dot(axes.x, axes.y)) < 1e-6)
        func variance(_ values: [Double]) -> Double {
            let mean = values.reduce(0, +) / count
            return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        }
        let columns = scales.indices.map { column in points.map { Double($0[column]) } }
        let total = columns.map(variance).reduce(0, +)
        #expect(abs(axes.shares[0] - variance(axes.x) / total) < 1e-12)
        #expect(abs(axes.shares[1] - variance(axes.y) / total) < 1e-12)
        #expect(columns.allSatisfy { variance($0) <= variance(axes.x) + 1e-9 })
        // Points of two dimensions keep their distances.
        let plane = points.map { [$0[1], $0[3]] }
        let flat = try #require(PrincipalAxes(of: plane))
        for index in 1..<points.count {
            let (dx, dy) = (flat.x[index] - flat.x[0], flat.y[index] - flat.y[0])
            let (px, py) = (Double(plane[index][0] - plane[0][0]), Double(plane[index][1] - plane[0][1]))
            #expect(abs((dx * dx + dy * dy) - (px * px + py * py)) < 1e-4)
        }
    }
}
