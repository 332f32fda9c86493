import Basics
import Foundation
import Testing
import Training

/// The scaling model's formulas, by hand where sizes are tiny.
@Suite struct ScalingModelTests {
    /// Two processors that do everything at round speeds.
    static func machine() -> MachineConstants {
        MachineConstants(
            machine: "test", measured: "now", instructionSet: "none", processors: 2, others: 0, cacheBytes: 1 << 20,
            memoryBandwidth: 1e15, gramSeconds: 1e-9,
            cholesky: .init(
                points: [
                    .init(factors: 16, interactionSeconds: 128e-9, rowSeconds: 4096e-9 / 6),
                    .init(factors: 64, interactionSeconds: 2048e-9, rowSeconds: 262_144e-9 / 6),
                ], efficiency: 1),
            cg: .init(points: [.init(factors: 16, interactionSeconds: 128e-9, rowSeconds: 1024e-9)], efficiency: 0.5),
            mf: .init(
                points: [
                    .init(factors: 16, ratingSeconds: 1e-6, rowSeconds: 0),
                    .init(factors: 32, ratingSeconds: 3e-6, rowSeconds: 1e-6),
                ],
                efficiency: 1),
            twoTower: .init(multiplyAddSeconds: 1e-9, sampleSeconds: 1e-6, efficiency: 1),
            link: Link(bandwidth: 1e6, latency: 0), isLinkMeasured: true)
    }

    static func cluster(nodes: Int = 1, workers: Int = 1, threads: Int = 1, cores: Int = 2) -> Cluster {
        Cluster(
            nodes: nodes, workers: workers, threads: threads, cores: cores, memory: 1_000_000,
            network: Link(bandwidth: 1e6, latency: 0), disk: 1e6)
    }

    @Test func bytesThatALSSends() {
        let rated = ALSScaling(
            users: 100, items: 50, interactions: 2000, factors: 10, isImplicit: false, hasBiases: true)
        let phases = rated.plan(on: Self.cluster(nodes: 3), Self.machine()).phases
        // 16 floats and a bias to two others; eight times a byte of whether to stop, from each of three to two.
        #expect(phases.map(\.name) == ["users", "items"])
        #expect(phases.map(\.sentBytes) == [2 * (100 * 68 + 27), 2 * (50 * 68 + 27)])

        let implicit = ALSScaling(users: 5000, items: 50, interactions: 20_000, factors: 10)
        let four = implicit.plan(on: Self.cluster(nodes: 3), Self.machine()).phases
        #expect(four.map(\.name) == ["Gramian of items", "users", "Gramian of users", "items"])
        // One stretch of up to 4096 rows, then two; 16 × 16 numbers of 8 bytes.
        #expect(four.map(\.sentBytes) == [2 * 2048, 2 * (5000 * 64 + 27), 2 * 2 * 2048, 2 * (50 * 64 + 27)])
        #expect(implicit.gramGroups(rows: 10_000_000) == 64)
        #expect(implicit.plan(on: Self.cluster(), Self.machine()).sentBytes == 0)
    }

    @Test func bytesThatMatrixFactorisationSends() {
        let model = MFScaling(users: 20, items: 8, interactions: 100, factors: 16, gridSide: 4)
        let plan = model.plan(on: Self.cluster(nodes: 2), Self.machine())
        // Two of four blocks move three times; 24 bytes of progress from each to the other after each of 4 strata, 9 of each block
        // in the end. All rows for a checkpoint, which so takes longer.
        #expect(plan.phases.map(\.sentBytes) == [3 * 2 * (2 * 68) + 4 * 2 * 24 + 9 * 16])
        #expect(plan.gathering.sentBytes == 28 * 68)
        let alone = model.plan(on: Self.cluster(), Self.machine())
        #expect(alone.sentBytes + alone.gathering.sentBytes == 0 && alone.checkpointSeconds < plan.checkpointSeconds)
    }

    @Test func bytesThatTwoTowersSend() {
        // Two steps of 4; towers of 2 → 3, with biases 9 parameters each; the tables are small, and so on every rank.
        func model(_ rows: Int, _ interactions: Int, batchSize: Int) -> TwoTowerScaling {
            let lengths = HistoryLengths([(length: Double(interactions) / Double(rows), rows: Double(rows))])
            return TwoTowerScaling(
                users: rows, items: rows, interactions: interactions, factors: 2, layers: [3], batchSize: batchSize,
                histories: [lengths, lengths])
        }
        let small = model(5, 8, batchSize: 4)
        #expect(small.parameters == 18)
        let sent = small.plan(on: Self.cluster(nodes: 2), Self.machine()).phases.map(\.sentBytes)
        // A user or item with 1.6 of 8 interactions is among 4 with probability 1 − exp(−0.8), about.
        let rows = 5 * (1 - exp(-0.8))
        #expect(sent[0] == Int(2 * 2 * 12 * rows) && sent[1] == 2 * 2 * 4 * (18 + 2))
        // Each rank says how many rows of either table it has.
        #expect(sent[2] == Int(2 * (2 * rows * (4 + 8) + 2 * 8 * 2)))
        // Large ones are with one of two ranks, and half of the rows are the other's.
        let large = model(1 << 20, 1 << 21, batchSize: 1 << 20)
        let met = Double(1 << 20) * (1 - exp(-1))
        #expect(
            large.plan(on: Self.cluster(nodes: 2), Self.machine()).phases[2].sentBytes
                == Int(2 * 2 * (met / 2 * (8 + 16) + 2 * 8 * 2)))
        // More ranks cut them.
        #expect(large.plan(on: Self.cluster(nodes: 3), Self.machine()).phases[2].sentBytes < Int(met))
    }

    @Test func multiplyAddsOfRows() {
        // 10 histories of 16 at k = 32: n k²/2, k³/6; by the dual w² k/2 + 30 w k, w³/6 with w = 16.
        let short = HistoryLengths([(length: 16, rows: 10)])
        let dual = ALSWork.cholesky(short, order: 32, others: 100, isImplicit: false)
        #expect(dual.interactions == 10 * (4096 + 15_360) && abs(dual.rows - 10 * 4096 / 6) < 1e-6)
        // So few rows are not worth another basis; very many are.
        let primal = ALSWork.cholesky(short, order: 32, others: 100, isImplicit: true)
        #expect(primal.interactions == 10 * 8192 && !primal.isRotated)
        let many = HistoryLengths([(length: 16, rows: 1e6)])
        #expect(ALSWork.cholesky(many, order: 32, others: 100, isImplicit: true).isRotated)
        let cg = ALSWork.cg(short, order: 32, others: 100, steps: 3)
        #expect(cg.interactions == 4 * 64 * 160 && cg.rows == 4 * 1024 * 10 && cg.matrices == 0)
        // 5000 · 32 floats do not stay in the cache: of 10⁶ rows they are few, of 10⁵ many, and one step is as soon done.
        let long = HistoryLengths([(length: 5000, rows: 2)])
        let matrices = ALSWork.cg(long, order: 32, others: 1_000_000, steps: 3)
        #expect(matrices.matrices == 2 * 5000 * 512 && matrices.interactions == 0 && matrices.rows == 4 * 1024 * 2)
        #expect(ALSWork.cg(long, order: 32, others: 100_000, steps: 3).interactions == 4 * 64 * 10_000)
        #expect(ALSWork.cg(long, order: 48, others: 1_000_000, steps: 0).matrices == 0)
    }

    @Test func histories() {
        let lengths = HistoryLengths(rows: 1000, interactions: 50_000, others: 200)
        #expect(abs(lengths.rows - 1000) < 1e-6 && abs(lengths.interactions - 50_000) < 50)
        #expect(lengths.lengths.allSatisfy { (1...200).contains($0.length) })
    }

    @Test func secondsOfExplicitRows() {
        // At 16 floats a multiply-add takes a nanosecond. All histories are as long as the other side has rows.
        let model = ALSScaling(users: 20, items: 20, interactions: 400, factors: 16, isImplicit: false)
        let one = model.plan(on: Self.cluster(), Self.machine())
        let expected = 20 * (20 * 128 + 4096.0 / 6) * 1e-9
        let uneven = model.unevenness(HistoryLengths([(length: 20, rows: 20)]), on: Self.cluster())
        #expect(uneven == 1)
        for phase in one.phases { #expect(abs(phase.processorSeconds / expected - 1) < 1e-9) }
        #expect(one.bound == .computing && one.phases[0].overlappedSeconds == 0)
    }

    @Test func wavesOverlap() {
        var cost = PhaseCost("test")
        (cost.work, cost.sent, cost.batches) = (4, 2e6, 8)
        // Each of two machines works for 4 s and sends for 1 s, the last eighth of which nothing hides.
        let phase = cost.phase(on: Self.cluster(nodes: 2), Self.machine())
        #expect(phase.seconds == 4.125 && phase.networkSeconds == 1 && phase.overlappedSeconds == 0.875)
        cost.batches = 1
        #expect(cost.phase(on: Self.cluster(nodes: 2), Self.machine()).seconds == 5)
    }

    @Test func ranksOfOneMachineShareItsProcessors() {
        var cost = PhaseCost("test")
        cost.work = 4
        func seconds(_ workers: Int, _ threads: Int) -> Double {
            cost.phase(on: Self.cluster(workers: workers, threads: threads), Self.machine()).processorSeconds
        }
        #expect(seconds(1, 1) == 4 && seconds(1, 2) == 2 && seconds(2, 1) == 4 && seconds(4, 1) == 8)
        // What they hand each other takes a processor from those that work.
        (cost.sent, cost.batches) = (2e6, 8)
        #expect(cost.phase(on: Self.cluster(workers: 2), Self.machine()).seconds == 5)
        #expect(cost.phase(on: Self.cluster(workers: 2, cores: 4), Self.machine()).seconds == 4.125)
        // All processors at once are worth half of what each is alone.
        cost.efficiency = 0.5
        #expect(seconds(1, 2) == 4)
    }

    @Test func moreMachines() {
        let models: [any ScalingModel] = [
            ALSScaling(users: 1_000_000, items: 100_000, interactions: 100_000_000, factors: 64),
            MFScaling(users: 1_000_000, items: 100_000, interactions: 100_000_000, factors: 64, gridSide: 32),
            TwoTowerScaling(users: 1_000_000, items: 100_000, interactions: 100_000_000, factors: 64),
        ]
        for model in models {
            let plans = [1, 2, 4, 8, 16].map { model.plan(on: Self.cluster(nodes: $0), .builtIn) }
            for (less, more) in zip(plans, plans.dropFirst()) {
                let (few, many) = (less.phases, more.phases)
                #expect(few.reduce(0) { $0 + $1.processorSeconds } > many.reduce(0) { $0 + $1.processorSeconds })
                #expect(less.sentBytes < more.sentBytes && less.checkpointBytes == more.checkpointBytes)
            }
            #expect(plans[0].memory.total > plans[4].memory.total)
            let curve = ScalingCurve(of: model, on: Self.cluster(nodes: 6), .builtIn)
            #expect(curve.points.map(\.plan.cluster.nodes) == [1, 2, 4, 6])
            #expect(curve.points[0].speedUp == 1 && curve.points.allSatisfy { $0.efficiency <= 1.000_001 })
        }
        // A grid of 32 blocks has no work for a 33rd.
        let grid = models[1]
        let (all, beyond) = (
            grid.plan(on: Self.cluster(nodes: 32), .builtIn), grid.plan(on: Self.cluster(nodes: 64), .builtIn)
        )
        #expect(all.phases[0].processorSeconds == beyond.phases[0].processorSeconds)
    }

    @Test func chunksLeaveThreadsIdle() {
        let model = ALSScaling(users: 5120, items: 10, interactions: 51_200, factors: 16)
        let lengths = HistoryLengths([(length: 10, rows: 5120)])
        // 24 chunks of at most 213 rows: two ranks have 13 each, in waves of one or two.
        #expect(model.unevenness(lengths, on: Self.cluster()) < 1.05)
        #expect(model.unevenness(lengths, on: Self.cluster(nodes: 2, threads: 16)) > 8)
    }

    @Test func figuresAreReadBack() throws {
        let machine = Self.machine()
        let text = try JSON.text(machine)
        #expect(try JSON.decode(MachineConstants.self, from: Array(text.utf8), file: "test") == machine)
        for key in ["interaction_seconds", "row_seconds", "rating_seconds", "memory_bandwidth", "link_measured"] {
            #expect(text.contains("\"\(key)\""))
        }
        #expect(machine.isPlausible && MachineConstants.builtIn.isPlausible)
        var broken = machine
        broken.memoryBandwidth = 0
        #expect(!broken.isPlausible)
        broken = machine
        broken.mf.points = []
        #expect(!broken.isPlausible)
    }

    @Test func betweenMeasuredFactors() {
        let machine = Self.machine()
        #expect(machine.mf.seconds(factors: 16) == (1e-6, 0) && machine.mf.seconds(factors: 8) == (1e-6, 0))
        let (between, beyond) = (machine.mf.seconds(factors: 24), machine.mf.seconds(factors: 64))
        #expect(abs(between.rating - 2e-6) < 1e-18 && abs(between.row - 0.5e-6) < 1e-18)
        #expect(abs(beyond.rating - 6e-6) < 1e-18 && abs(beyond.row - 2e-6) < 1e-18)
        for order in [16, 32, 64, 128] {
            let rate = machine.cholesky.multiplyAdds(order: order, ALSScaling.choleskyCost)
            #expect(abs(rate.interaction - 1e-9) < 1e-18 && abs(rate.row - 1e-9) < 1e-18)
        }
    }
}
