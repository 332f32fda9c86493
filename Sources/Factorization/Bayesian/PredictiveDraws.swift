import Interactions
import Kernels

/// Sums of r̂ and of its square over samples, of each interaction of a log, with users drawn anew.
///
/// `@unchecked Sendable`: a user's interactions are one worker's.
final class PredictiveDraws: @unchecked Sendable {
    private let history: RatingRows
    private let items: [UInt32]
    /// The log's interactions by user: those of user u are `order[starts[u]..<starts[u + 1]]`.
    private let order: [Int], starts: [Int]
    /// Users that have any.
    private let users: [Int]
    private let sums: UnsafeMutablePointer<SIMD2<Double>>
    private let scratch: [RowScratch]
    private let workers: Workers
    private let isa: InstructionSet
    private var samples = 0.0

    init(
        _ log: InteractionLog, history: InteractionMatrix<UserRow, ItemRow>, factors: Int, workers: Workers,
        isa: InstructionSet
    ) {
        let ratings = RatingRows(history)
        self.history = ratings
        (self.workers, self.isa) = (workers, isa)
        items = log.itemRows
        order = (0..<log.count).sorted { (log.userRows[$0], $0) < (log.userRows[$1], $1) }
        var starts = [Int](repeating: 0, count: ratings.count + 1)
        for user in log.userRows { starts[Int(user) + 1] += 1 }
        for user in 0..<ratings.count { starts[user + 1] += starts[user] }
        users = (0..<ratings.count).filter { starts[$0] < starts[$0 + 1] }
        self.starts = starts
        sums = .allocate(capacity: max(1, log.count))
        sums.initialize(repeating: SIMD2(), count: max(1, log.count))
        scratch = (0..<workers.count).map { _ in
            RowScratch(order: RowConditional.order(factors: factors), longest: ratings.longest)
        }
    }

    deinit { sums.deallocate() }

    /// Draws every user and predicts its interactions.
    ///
    /// - Parameter scores: which predictions are taken relative to, so that squares stay small.
    func add(_ sample: PosteriorSample, _ number: Int, mean: Float, _ scores: [Double]) {
        let (base, stride, width) = (sample.items.base, sample.items.stride, sample.items.width)
        let (conditional, biases) = (sample.conditional, sample.itemBiases)
        let order = conditional.order
        let chunk = RowScratch.chunk
        workers.forEach((users.count + chunk - 1) / chunk) { part, worker in
            let scratch = scratch[worker]
            for user in users[part * chunk..<min(users.count, (part + 1) * chunk)] {
                RandomStream(seed: 0, .noise, index: UInt64(number), counter: UInt64(user * order / 4))
                    .writeNormals(to: scratch.noise, count: order, isa: isa)
                conditional.solve(user, of: history, noise: scratch.noise, scratch)
                for index in self.order[starts[user]..<starts[user + 1]] {
                    let item = Int(items[index])
                    var score = mean + scratch.solution[width] + biases.base[item]
                    for column in 0..<width { score += scratch.solution[column] * base[item * stride + column] }
                    let offset = Double(score) - scores[index]
                    sums[index] += SIMD2(offset, offset * offset)
                }
            }
        }
        samples += 1
    }

    /// The variance of an interaction's r̂ over samples; 0 for one sample.
    func variance(_ index: Int) -> Double {
        let mean = sums[index].x / samples
        return max(0, sums[index].y / samples - mean * mean) * samples / max(1, samples - 1)
    }
}
