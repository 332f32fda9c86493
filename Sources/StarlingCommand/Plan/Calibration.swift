import Neural
import Starling
import Torch

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Measures what ``MachineConstants`` holds, by small trainings on generated ratings: the same code that trains.
struct Calibration {
    private let communicator: any Communicator
    private let all = Workers()
    private let one = Workers(threads: 1)

    init(_ communicator: any Communicator) { self.communicator = communicator }

    /// All ranks of a group call it; rank 0 measures the machine while others wait, then all measure what is between them.
    ///
    /// - Complexity: some 35 seconds.
    func measure() throws -> MachineConstants {
        var found = try communicator.together { communicator.rank == 0 ? try machine() : MachineConstants.builtIn }
        if let link = try LinkCalibration(communicator).measure() { (found.link, found.isLinkMeasured) = (link, true) }
        return found
    }

    private func machine() throws -> MachineConstants {
        let load = MachineLoad()
        say("memory")
        let isa = try InstructionSet.current().ofFloats
        let copied = MemoryCalibration.bandwidth(all)
        let gram = GramRate.seconds(isa: isa)
        let cholesky = try solve(.cholesky, gram, isa)
        let cg = try solve(.cg, gram, isa)
        let mf = try walk(isa)
        let towers = try twoTower(isa) ?? MachineConstants.builtIn.twoTower
        return MachineConstants(
            machine: Host.name, measured: Host.timestamp(), instructionSet: isa.name, processors: all.count,
            others: load.others, cacheBytes: MemoryCalibration.cache, memoryBandwidth: copied, gramSeconds: gram,
            cholesky: cholesky, cg: cg, mf: mf, twoTower: towers,
            link: Link(bandwidth: MemoryCalibration.bandwidth(one) / 2, latency: 0), isLinkMeasured: false)
    }

    private func say(_ what: String) { FileHandles.standardError("Measuring \(what) …\n") }

    /// The least seconds of an epoch of each, among some after the first: by processors, all threads together, and by the clock.
    /// They take turns, so that what disturbs the machine disturbs all.
    private func epochs(_ trainers: [any EpochTrainer], rounds: Int = 6) throws -> [(processors: Double, clock: Double)]
    {
        let cancellation = Cancellation()
        var best = trainers.map { _ in (processors: Double.infinity, clock: Double.infinity) }
        for number in 1...rounds {
            for (place, trainer) in trainers.enumerated() {
                let (clock, own) = (Stopwatch(), MachineLoad.own)
                _ = try trainer.train(epoch: number, cancellation: cancellation, progress: { _ in })
                guard number > 1 else { continue }
                best[place].processors = min(best[place].processors, MachineLoad.own - own)
                best[place].clock = min(best[place].clock, clock.seconds)
            }
        }
        return best
    }

    /// What all processors do of what they would do each alone, by their seconds for the same.
    private func efficiency(one: Double, all seconds: Double) -> Double {
        all.count == 1 ? 1 : min(1, max(0.05, one / seconds))
    }

    /// Of ratings of few users and items, and as many of many, so that an epoch is so much a rating and so much a row of a block.
    private func walk(_ isa: InstructionSet) throws -> MachineConstants.Walk {
        say("mf")
        let ratings = 2_000_000
        let histories = try [(users: 4000, items: 4000), (users: 32_000, items: 16_000)].map {
            try SyntheticRatings(users: $0.users, items: $0.items, interactions: ratings, seed: 1).log(workers: all)
                .userMatrix(workers: all)
        }
        let (factors, rounds) = ([32, 64, 128], 8)
        let runs = factors.flatMap { k in histories.map { ($0, k, one) } } + [(histories[1], 64, all)]
        let trainers = try runs.map { history, factors, workers in
            var options = MatrixFactorizationOptions()
            (options.factors, options.epochs) = (factors, rounds)
            return try MatrixFactorization.trainer(on: history, options: options, workers: workers, isa: isa)
        }
        let seconds = try epochs(trainers, rounds: rounds).map(\.processors)
        let points = factors.enumerated().map { place, factors in
            let fit = LinearFit(
                zip(histories, seconds[(2 * place)...]).map { history, seconds in
                    let (users, items) = (history.rowCount, history.columnCount)
                    let side = BlockGrid.side(users: users, items: items, ratings: history.entryCount, factors: factors)
                    let rows = MFScaling.visits(users: users, items: items, ratings: history.entryCount, side: side)
                    return (Double(history.entryCount), Double(rows), seconds)
                })
            return MachineConstants.Walk.Point(factors: factors, ratingSeconds: fit.first, rowSeconds: fit.second)
        }
        return MachineConstants.Walk(points: points, efficiency: efficiency(one: seconds[3], all: seconds[6]))
    }

    /// Of histories that are all as long, and too long for the dual, so that an epoch is so much an interaction and so much a
    /// row; of tables too large for the cache next to a processor, as those worth a plan are.
    private func solve(
        _ solver: ALSOptions.Solver, _ gram: Double, _ isa: InstructionSet
    ) throws -> MachineConstants.Solve {
        say("als, " + solver.rawValue)
        // Conjugate gradients wait for the cache behind that one too.
        let (rows, lengths) = solver == .cholesky ? (6000, [96, 240]) : (40_000, [32, 160])
        let histories = lengths.map { Self.history(rows: rows, length: $0) }
        var found = MachineConstants.Solve(points: [], efficiency: 1)
        for factors in [32, 64, 128] {
            var options = ALSOptions()
            (options.factors, options.solver, options.cgSteps) = (factors, solver, ALSScaling.calibrationSteps)
            let runs = histories.map { ($0, one) } + (factors == 64 ? [(histories[0], all)] : [])
            let seconds = try epochs(
                runs.map { try AlternatingLeastSquares.trainer(on: $0, options: options, workers: $1, isa: isa) }
            ).map(\.processors)
            let fit = LinearFit(
                zip(histories, seconds).map { history, seconds in
                    let rows = Double(history.rowCount + history.columnCount)
                    let gramian = rows * Double(factors * factors) / 2 * gram
                    return (Double(2 * history.entryCount), rows, max(seconds / 2, seconds - gramian))
                })
            found.points.append(.init(factors: factors, interactionSeconds: fit.first, rowSeconds: fit.second))
            if factors == 64 { found.efficiency = efficiency(one: seconds[0], all: seconds[2]) }
        }
        return found
    }

    /// As many items as users, each with as many interactions: with those at the same distances in a circle, whose places are
    /// drawn, so that memory is read here and there.
    private static func history(rows: Int, length: Int) -> InteractionMatrix<UserRow, ItemRow> {
        var random = RandomStream(seed: 1, .order, index: 0)
        var (distances, places) = (Array(0..<rows), Array(0..<rows))
        random.shuffle(&distances)
        random.shuffle(&places)
        let columns = (0..<rows).flatMap { user in
            distances.prefix(length).map { UInt32(places[($0 + places[user]) % rows]) }.sorted()
        }
        return InteractionMatrix(
            offsets: (0...rows).map { $0 * length }, columns: columns, values: nil, columnCount: rows)
    }

    /// nil without LibTorch.
    private func twoTower(_ isa: InstructionSet) throws -> MachineConstants.Towers? {
        guard (try? TorchLibrary.opened()) != nil else { return nil }
        say("two-tower")
        let log = try SyntheticRatings(users: 20_000, items: 20_000, interactions: 60_000, seed: 1).log(workers: all)
        let history = log.pairMatrix(workers: all)
        let sizes = [1024, 8192]
        func trainer(_ batchSize: Int, _ workers: Workers) throws -> any EpochTrainer {
            var options = TwoTowerOptions()
            (options.batchSize, options.epochs) = (batchSize, 6)
            return try TwoTower.trainer(
                on: history, users: log.users, items: log.items, options: options, workers: workers, isa: isa)
        }
        // LibTorch has one number of threads at a time, and its threads spin while they wait.
        let seconds = try epochs(sizes.map { try trainer($0, one) })
        let together = try epochs([trainer(sizes[1], all)])[0].clock
        let products = sizes.map { batchSize in
            let model = TwoTowerScaling(
                users: log.users.count, items: log.items.count, interactions: log.count, factors: 64,
                batchSize: batchSize, histories: [HistoryLengths(history), HistoryLengths(history.transposed())])
            return model.multiplyAdds(ranks: 1) * Double(log.count) / Double(batchSize)
        }
        let fit = LinearFit(zip(products, seconds).map { ($0, Double(log.count), $1.processors) })
        return MachineConstants.Towers(
            multiplyAddSeconds: fit.first, sampleSeconds: fit.second,
            efficiency: efficiency(one: seconds[1].clock, all: together * Double(all.count)))
    }
}

/// x and y of a x + b y = c in two equations, neither below 0.
private struct LinearFit {
    let first, second: Double

    /// Where one would be below 0 it is 0, and the other the mean of what each equation says.
    init(_ equations: [(a: Double, b: Double, c: Double)]) {
        let (p, q) = (equations[0], equations[1])
        let determinant = p.a * q.b - p.b * q.a
        let (x, y) = ((p.c * q.b - p.b * q.c) / determinant, (p.a * q.c - p.c * q.a) / determinant)
        (first, second) =
            x < 0 ? (0, (p.c / p.b + q.c / q.b) / 2) : y < 0 ? ((p.c / p.a + q.c / q.a) / 2, 0) : (x, y)
    }
}

/// How much of the machine's time others have while it is measured.
private struct MachineLoad {
    private let start = (ticks: Host.processorTime(), own: Self.own)

    /// Processor seconds of this process, all threads together.
    static var own: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    /// The share of all processors' time so far that went to others; nil where that cannot be told.
    var others: Double? {
        guard let from = start.ticks, let to = Host.processorTime(), to.total > from.total else { return nil }
        // A tick is a hundredth of a second.
        return max(0, (to.busy - from.busy - (Self.own - start.own) * 100) / (to.total - from.total))
    }
}
