import Basics
import Foundation
import Interactions
import Kernels
import Testing

@Suite struct SyntheticRatingsTests {
    static func pairs(_ log: InteractionLog) -> Set<UInt64> {
        Set(zip(log.userRows, log.itemRows).map { UInt64($0) << 32 | UInt64($1) })
    }

    @Test(arguments: [
        (300, 200, 5000, 1), (50, 40, 2000, 1), (50, 40, 1990, 3), (7, 400, 400, 1), (100, 100, 100, 1),
        (40, 1000, 80, 2), (200, 50, 4000, 20), (1, 1, 1, 1), (1000, 30, 9000, 9),
    ])
    func countsAreExact(users: Int, items: Int, interactions: Int, minimum: Int) throws {
        let truth = try SyntheticRatings(
            users: users, items: items, interactions: interactions, rank: 3, minimumPerUser: minimum, seed: 9)
        let log = truth.log()
        #expect(log.count == interactions)
        #expect(Self.pairs(log).count == interactions, "a pair occurs once")
        var (perUser, perItem) = ([Int](repeating: 0, count: users), [Int](repeating: 0, count: items))
        for row in log.userRows { perUser[Int(row)] += 1 }
        for row in log.itemRows { perItem[Int(row)] += 1 }
        #expect(perUser.min()! >= minimum)
        if interactions >= items { #expect(perItem.min()! >= 1) }
        #expect(log.users.rawIDs == (1...users).map(String.init))
        #expect(log.items.rawIDs == (1...items).map(String.init))
        for index in 1..<max(1, log.count) where log.userRows[index] == log.userRows[index - 1] {
            #expect(log.times![index] > log.times![index - 1])
        }
    }

    @Test func threadsDoNotMatter() throws {
        let truth = try SyntheticRatings(users: 700, items: 300, interactions: 40_000, seed: 4)
        let one = truth.log(workers: Workers(threads: 1))
        let floor = truth.noiseFloor(over: one, workers: Workers(threads: 1))
        for threads in [2, 7] {
            let workers = Workers(threads: threads)
            let other = truth.log(workers: workers)
            #expect(other.userRows == one.userRows && other.itemRows == one.itemRows)
            #expect(other.values == one.values && other.times == one.times)
            #expect(truth.noiseFloor(over: other, workers: workers) == floor)
        }
        let again = try SyntheticRatings(users: 700, items: 300, interactions: 40_000, seed: 4).log()
        #expect(again.values == one.values && again.itemRows == one.itemRows)
        let different = try SyntheticRatings(users: 700, items: 300, interactions: 40_000, seed: 5).log()
        #expect(different.itemRows != one.itemRows)
    }

    /// Predicting with the planted mean reaches the noise floor, on the whole and on a held-out part; so the floor
    /// is neither too low nor too high.
    @Test(arguments: [RatingScale.halfStars, .continuous], [0.84, 0.3])
    func thePlantedMeanReachesTheFloor(scale: RatingScale, noise: Double) throws {
        let truth = try SyntheticRatings(
            users: 2000, items: 1000, interactions: 300_000, noise: noise, scale: scale, seed: 2)
        let log = truth.log()
        let held = try log.split(.random(validation: 0.3, test: 0), seed: 1).validation!
        for part in [log, held] {
            let errors = (0..<part.count).map { index in
                let expected = truth.expectedRating(
                    UserRow(Int(part.userRows[index])), ItemRow(Int(part.itemRows[index])))
                return Double(part.value(index)) - expected
            }
            let squares = errors.reduce(0) { $0 + $1 * $1 } / Double(part.count)
            let bias = errors.reduce(0, +) / Double(part.count)
            let floor = truth.noiseFloor(over: part)
            // The mean of n squares of about normal errors scatters by √(2/n) of itself, the error by floor/√n.
            #expect(abs(squares / (floor * floor) - 1) < 5 * (2 / Double(part.count)).squareRoot())
            #expect(abs(bias) < 4.5 * floor / Double(part.count).squareRoot())
            if scale == .continuous { #expect(abs(floor - noise) < 1e-12) }
        }
    }

    @Test func withoutNoiseTheTruthIsTheRating() throws {
        let truth = try SyntheticRatings(users: 100, items: 50, interactions: 2000, noise: 0, seed: 2)
        let log = truth.log()
        for index in 0..<log.count {
            let user = UserRow(Int(log.userRows[index]))
            #expect(truth.expectedRating(user, ItemRow(Int(log.itemRows[index]))) == Double(log.value(index)))
        }
        #expect(truth.noiseFloor(over: log) == 0)
    }

    @Test func momentsAgreeWithSciPy() throws {
        for row in try golden("ratings.json", as: [[Double]].self) {
            let moments = RatingScale.halfStars.moments(mean: row[0], deviation: row[1])
            #expect(abs(moments.mean - row[2]) < 1e-12, "mean \(row[0]) deviation \(row[1])")
            #expect(abs(moments.variance - row[3]) < 1e-12, "mean \(row[0]) deviation \(row[1])")
        }
    }

    @Test func ratingsSpreadAsFilmRatingsDo() throws {
        let truth = try SyntheticRatings(like: .ml1m, seed: 3)
        #expect((truth.users, truth.items, truth.interactions) == (6040, 3706, 1_000_209))
        let log = truth.log()
        let statistics = LogStatistics(log)
        let values = try #require(statistics.values)
        #expect(values.histogram.map(\.from) == (1...10).map { 0.5 * Double($0) })
        #expect(abs(values.mean - 3.5) < 0.15)
        #expect(abs(values.standardDeviation - 1.05) < 0.05)
        #expect((20...22).contains(statistics.userActivity.minimum))
        #expect((70...130).contains(statistics.userActivity.median))
        let floor = truth.noiseFloor(over: log)
        #expect(abs(floor - 0.777) < 0.01)

        // Biases explain 25–35 % of the variance, factors 12–22 %: fit the biases by alternating means.
        let (biased, all) = (Self.biasOnlyError(log), values.standardDeviation * values.standardDeviation)
        #expect((0.25...0.35).contains(1 - biased / all))
        #expect((0.12...0.22).contains((biased - floor * floor) / all))
    }

    /// Mean squared error of μ + b_u + b_i, fitted to the log.
    private static func biasOnlyError(_ log: InteractionLog) -> Double {
        let mean = log.values!.reduce(0.0) { $0 + Double($1) } / Double(log.count)
        var users = [Double](repeating: 0, count: log.users.count)
        var items = [Double](repeating: 0, count: log.items.count)
        func fit(_ biases: inout [Double], _ rows: [UInt32], _ others: [Double], _ otherRows: [UInt32]) {
            var (sums, counts) = (biases.map { _ in 0.0 }, biases.map { _ in 0.0 })
            for index in 0..<log.count {
                sums[Int(rows[index])] += Double(log.values![index]) - mean - others[Int(otherRows[index])]
                counts[Int(rows[index])] += 1
            }
            for row in biases.indices { biases[row] = sums[row] / max(1, counts[row]) }
        }
        for _ in 0..<8 {
            fit(&items, log.itemRows, users, log.userRows)
            fit(&users, log.userRows, items, log.itemRows)
        }
        return (0..<log.count).reduce(0.0) { sum, index in
            let error =
                Double(log.values![index]) - mean - users[Int(log.userRows[index])] - items[Int(log.itemRows[index])]
            return sum + error * error
        } / Double(log.count)
    }

    /// Below the very first ranks popularity falls as (rank + c)^−2.2.
    @Test func popularityHasTheTailItShould() throws {
        let log = try SyntheticRatings(users: 20_000, items: 2000, interactions: 600_000, seed: 6).log()
        var counts = [Double](repeating: 0, count: 2000)
        for row in log.itemRows { counts[Int(row)] += 1 }
        counts.sort(by: >)
        let points = (300..<1500).map { (log: Foundation.log(Double($0 + 1) + 200), count: Foundation.log(counts[$0])) }
        let (x, y) = (points.map(\.log), points.map(\.count))
        let (meanX, meanY) = (x.reduce(0, +) / 1200, y.reduce(0, +) / 1200)
        let slope =
            zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
            / x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        #expect(abs(slope + 2.2) < 0.15, "\(slope)")
    }

    @Test func activityIsLogNormal() throws {
        let truth = try SyntheticRatings(users: 50_000, items: 100_000, interactions: 50_000_000, seed: 6)
        let counts = truth.activity()
        #expect(counts.reduce(0, +) == 50_000_000)
        let logs = counts.map { Foundation.log(Double($0) - 0.5) }.sorted()
        // Quantiles of a normal distribution with deviation 1.2, relative to the median.
        for (share, z) in [(0.1, -1.2816), (0.25, -0.6745), (0.75, 0.6745), (0.9, 1.2816), (0.99, 2.3263)] {
            #expect(abs(logs[Int(share * 50_000)] - logs[25_000] - 1.2 * z) < 0.06)
        }
    }

    /// Inclusion in a user's list against successive sampling worked out by enumeration.
    @Test func itemsAreDrawnOneAfterTheOtherByWeight() throws {
        let truth = try SyntheticRatings(users: 60_000, items: 8, interactions: 200_000, seed: 8)
        let weights = truth.popularity()
        let log = truth.log()
        let matrix = log.userMatrix()
        for size in [2, 3] {
            var (seen, users) = ([Double](repeating: 0, count: 8), 0.0)
            for user in 0..<60_000 where matrix[UserRow(user)].count == size {
                users += 1
                for item in matrix[UserRow(user)] { seen[Int(item)] += 1 }
            }
            let expected = Self.inclusion(weights, size)
            #expect(users > 5000)
            for item in 0..<8 {
                let deviation = (expected[item] * (1 - expected[item]) / users).squareRoot()
                #expect(abs(seen[item] / users - expected[item]) < 4.5 * deviation)
            }
        }
    }

    private static func inclusion(_ weights: [Double], _ size: Int) -> [Double] {
        var included = weights.map { _ in 0.0 }
        func walk(_ taken: [Int], _ probability: Double) {
            if taken.count == size {
                for item in taken { included[item] += probability }
                return
            }
            let left = weights.indices.filter { !taken.contains($0) }
            let total = left.reduce(0) { $0 + weights[$1] }
            for item in left { walk(taken + [item], probability * weights[item] / total) }
        }
        walk([], 1)
        return included
    }

    @Test func whatCannotBeIsRefused() {
        let cases: [(Int, Int, Int, Int, Double, Int)] = [
            (0, 5, 5, 1, 1, 1), (5, 0, 5, 1, 1, 1), (5, 5, 0, 1, 1, 1), (5, 5, 26, 1, 1, 1), (5, 5, 4, 1, 1, 1),
            (5, 5, 9, 1, 1, 2), (5, 5, 25, 1, 1, 6), (5, 5, 10, 0, 1, 1), (5, 5, 10, 1, -1, 1), (5, 5, 10, 1, .nan, 1),
        ]
        for (users, items, interactions, rank, noise, minimum) in cases {
            #expect {
                try SyntheticRatings(
                    users: users, items: items, interactions: interactions, rank: rank, noise: noise,
                    minimumPerUser: minimum, seed: 1)
            } throws: { ($0 as? StarlingError)?.code == .usage }
        }
    }
}
