package import Basics
package import Interactions
package import Kernels
package import Training

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension MatrixFactorization {
    /// A trainer over histories that are gone through once more and dealt to blocks through disk, which takes neither a log nor
    /// histories in memory, on one rank: weights are the same bits. With a grid on disk an epoch reads 3 to 5 bytes a rating, or
    /// 7 where there are more than 256 different ratings.
    ///
    /// - Parameters:
    ///   - scratch: the folder for temporary files, and where the grid is.
    ///   - progress: ratings dealt, then ratings built; called by one thread at a time.
    /// - Throws: `usage` for options out of range, or with Adam; `badData` without ratings; `failed` if the disk has no room,
    ///   before anything is written, or is broken; `interrupted` when cancelled.
    package static func trainer(
        passes: any HistoryPasses, validation: InteractionLog?, options: MatrixFactorizationOptions,
        scratch: GridScratch, workers: Workers, isa: InstructionSet = .best, cancellation: Cancellation? = nil,
        progress: ((_ step: GridStep, _ done: Int, _ total: Int) -> Void)? = nil
    ) throws -> any EpochTrainer {
        try options.validate()
        try requireRatings(count: passes.entryCount, hasValues: passes.hasValues)
        guard options.optimizer != .adam else {
            throw StarlingError(
                .usage, "Adam takes its batches from ratings in memory, and these are gone through on disk",
                remedy: "use --optimizer sgd or adagrad, or allow more memory")
        }
        return try GridTrainer(
            passes: passes, validation: validation, options: options, scratch: scratch, workers: workers, isa: isa,
            cancellation: cancellation, progress: progress)
    }

    /// What ``trainer(passes:validation:options:scratch:workers:isa:cancellation:progress:)`` and the training take at their peak,
    /// beyond `passes` itself and what a pass takes.
    ///
    /// - Complexity: O(users).
    package static func memoryEstimate(
        passes: any HistoryPasses, validation: Int, options: MatrixFactorizationOptions, place: GridScratch.Place,
        workers: Int
    ) -> MemoryEstimate {
        let (rows, ratings) = (passes.userCount + passes.itemCount, passes.entryCount)
        let side = BlockGrid.side(
            users: passes.userCount, items: passes.itemCount, ratings: ratings, factors: options.factors)
        let tables = FactorTable.bytes(rows: rows, width: options.factors) + (options.biases ? 4 * rows : 0)
        let squares = options.optimizer == .adagrad ? (options.biases ? 8 : 4) * rows : 0
        var estimate = MemoryEstimate()
        // Dealing and building end before the tables are made.
        var reading = 0
        switch place {
        case .memory:
            let groups = BlockGrid.groups(activity: passes.activity, side: side)
            estimate.add("rating grid", bytes: 8 * ratings + 4 * groups)
        case .disk(let buffers):
            reading = BlockGrid.readAhead(buffers) + (workers + 1) * 5 * ratings / (side * side)
        }
        estimate.add("factors", bytes: tables)
        if squares > 0 { estimate.add("step sizes", bytes: squares) }
        estimate.add("places", bytes: 4 * rows)
        let builders = BlockGrid.builders(ratings, side: side, place, workers: workers)
        let building = builders * BlockGrid.buildBytes(ratings, side: side) + 12 * passes.userCount
        let dealing = workers * 10 << 20
        estimate.add("buffers", bytes: max(reading, max(dealing, building) - tables - squares))
        if validation > 0 { estimate.add("validation", bytes: 16 * validation) }
        return estimate
    }
}

extension BlockGrid {
    /// How many groups a grid's ratings make, about: of `n` ratings a block has those of a Poisson variable around n / side.
    fileprivate static func groups(activity: [UInt32], side: Int) -> Int {
        var users = [Int](repeating: 0, count: Int(activity.max() ?? 0) + 1)
        for count in activity { users[Int(count)] += 1 }
        var sum = 0.0
        for (count, users) in users.enumerated() where users > 0 {
            sum += Double(users * side) * groups(mean: Double(count) / Double(side))
        }
        return Int(sum)
    }

    /// The groups that a Poisson variable of ratings makes, on average: Σ over k of the chance that there are more than 4 k.
    private static func groups(mean: Double) -> Double {
        // Of many ratings the last group lacks 1.5 on average.
        guard mean < 30 else { return mean / 4 + 0.375 }
        var (sum, chance, more) = (0.0, exp(-mean), 1.0)
        for count in 0..<120 {
            more -= chance
            if count % 4 == 0 { sum += max(0, more) }
            chance *= mean / Double(count + 1)
        }
        return sum
    }
}
