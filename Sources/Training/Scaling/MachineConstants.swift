#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a machine takes for the innermost parts of a training: measured by `starling plan --calibrate`, in seconds of one
/// thread where nothing else is said.
package struct MachineConstants: Codable, Sendable, Equatable {
    /// Solving a row of ALS; see ``ALSScaling``.
    package struct Solve: Codable, Sendable, Equatable {
        package struct Point: Codable, Sendable, Equatable {
            package var factors: Int
            /// For each interaction of a long history, and for each row besides.
            package var interactionSeconds, rowSeconds: Double

            package init(factors: Int, interactionSeconds: Double, rowSeconds: Double) {
                self.factors = factors
                (self.interactionSeconds, self.rowSeconds) = (interactionSeconds, rowSeconds)
            }

            private enum CodingKeys: String, CodingKey {
                case factors
                case interactionSeconds = "interaction_seconds"
                case rowSeconds = "row_seconds"
            }
        }

        /// By rising factors.
        package var points: [Point]
        /// What all processors at once do of what they would do each alone, 0 to 1.
        package var efficiency: Double

        package init(points: [Point], efficiency: Double) { (self.points, self.efficiency) = (points, efficiency) }
    }

    /// Matrix factorisation over the block grid.
    package struct Walk: Codable, Sendable, Equatable {
        package struct Point: Codable, Sendable, Equatable {
            package var factors: Int
            /// For each rating, and for each row of a user or an item that a block has.
            package var ratingSeconds, rowSeconds: Double

            package init(factors: Int, ratingSeconds: Double, rowSeconds: Double) {
                (self.factors, self.ratingSeconds, self.rowSeconds) = (factors, ratingSeconds, rowSeconds)
            }

            private enum CodingKeys: String, CodingKey {
                case factors
                case ratingSeconds = "rating_seconds"
                case rowSeconds = "row_seconds"
            }
        }

        package var points: [Point]
        package var efficiency: Double

        package init(points: [Point], efficiency: Double) { (self.points, self.efficiency) = (points, efficiency) }
    }

    /// A sample of two towers: what its products take, and everything else.
    package struct Towers: Codable, Sendable, Equatable {
        package var multiplyAddSeconds, sampleSeconds, efficiency: Double

        package init(multiplyAddSeconds: Double, sampleSeconds: Double, efficiency: Double) {
            (self.multiplyAddSeconds, self.sampleSeconds) = (multiplyAddSeconds, sampleSeconds)
            self.efficiency = efficiency
        }

        private enum CodingKeys: String, CodingKey {
            case multiplyAddSeconds = "multiply_add_seconds"
            case sampleSeconds = "sample_seconds"
            case efficiency
        }
    }

    /// The machine's name, when it was measured, and by which kernels.
    package var machine, measured, instructionSet: String
    package var processors: Int
    /// The share of the machine's time that others had meanwhile; nil where that cannot be told. Much of it spoils the figures.
    package var others: Double?
    /// Of the largest cache.
    package var cacheBytes: Int
    /// Bytes a second that all processors read and write, copying.
    package var memoryBandwidth: Double
    /// For a multiply-add of a Gramian.
    package var gramSeconds: Double
    package var cholesky, cg: Solve
    package var mf: Walk
    /// Without LibTorch, those of another machine.
    package var twoTower: Towers
    /// Between two ranks; on one machine unless `plan --calibrate` ran on several.
    package var link: Link
    /// Whether ``link`` was measured between ranks, or stands for a copy in memory.
    package var isLinkMeasured: Bool

    package init(
        machine: String, measured: String, instructionSet: String, processors: Int, others: Double?, cacheBytes: Int,
        memoryBandwidth: Double, gramSeconds: Double, cholesky: Solve, cg: Solve, mf: Walk, twoTower: Towers,
        link: Link, isLinkMeasured: Bool
    ) {
        (self.machine, self.measured, self.instructionSet, self.others) = (machine, measured, instructionSet, others)
        (self.processors, self.cacheBytes, self.memoryBandwidth) = (processors, cacheBytes, memoryBandwidth)
        (self.gramSeconds, self.cholesky, self.cg, self.mf) = (gramSeconds, cholesky, cg, mf)
        (self.twoTower, self.link, self.isLinkMeasured) = (twoTower, link, isLinkMeasured)
    }

    private enum CodingKeys: String, CodingKey {
        case machine, measured, processors, others, cholesky, cg, mf, link
        case instructionSet = "instruction_set"
        case cacheBytes = "cache_bytes"
        case memoryBandwidth = "memory_bandwidth"
        case gramSeconds = "gram_seconds"
        case twoTower = "two_tower"
        case isLinkMeasured = "link_measured"
    }
}

extension MachineConstants {
    /// Whether figures are such as a measurement gives.
    package var isPlausible: Bool {
        let solves = [cholesky, cg].flatMap(\.points)
        let sizes = [memoryBandwidth, gramSeconds, link.bandwidth] + solves.map(\.interactionSeconds)
        let shares = [cholesky.efficiency, cg.efficiency, mf.efficiency, twoTower.efficiency]
        let times =
            [link.latency, twoTower.sampleSeconds, twoTower.multiplyAddSeconds] + solves.map(\.rowSeconds)
            + mf.points.map(\.rowSeconds)
        return processors > 0 && !cholesky.points.isEmpty && !cg.points.isEmpty && !mf.points.isEmpty
            && (sizes + shares + mf.points.map(\.ratingSeconds)).allSatisfy { $0 > 0 && $0.isFinite }
            && times.allSatisfy { $0 >= 0 && $0.isFinite }
    }

    /// What `busy` processors at once are worth, where `all` of this machine's are worth so much; beyond those no less.
    package func efficiency(_ all: Double, busy: Int) -> Double {
        guard processors > 1, busy > 1 else { return 1 }
        return 1 - (1 - all) * min(1, Double(busy - 1) / Double(processors - 1))
    }

    /// Memory and cache of other machines are taken to grow with their processors.
    package func memoryBandwidth(cores: Int) -> Double { memoryBandwidth * Double(cores) / Double(processors) }

    /// The share of reads of a table, all rows alike, that the cache does not have.
    package func missed(_ bytes: Double, cores: Int) -> Double {
        max(0, 1 - Double(cacheBytes) * Double(cores) / Double(processors) / max(1, bytes))
    }
}

extension MachineConstants.Solve {
    /// Seconds of a multiply-add of interactions and of one of rows, at vectors of `order` floats: between two measurements in
    /// proportion to the logarithm of factors, beyond them as the nearest.
    ///
    /// - Parameter cost: multiply-adds of an interaction and of a row at so many floats.
    package func multiplyAdds(
        order: Int, _ cost: (Double) -> (interaction: Double, row: Double)
    ) -> (interaction: Double, row: Double) {
        let rates = points.map { point in
            let one = cost(Double(point.factors))
            return (
                x: log(Double(point.factors)), interaction: point.interactionSeconds / one.interaction,
                row: point.rowSeconds / one.row
            )
        }
        let x = log(Double(order))
        guard let right = rates.firstIndex(where: { $0.x >= x }), right > 0 else {
            let nearest = x <= rates[0].x ? rates[0] : rates[rates.count - 1]
            return (nearest.interaction, nearest.row)
        }
        let (from, to) = (rates[right - 1], rates[right])
        let share = (x - from.x) / (to.x - from.x)
        return (
            from.interaction + share * (to.interaction - from.interaction), from.row + share * (to.row - from.row)
        )
    }
}

extension MachineConstants.Walk {
    /// Seconds of a rating and of a row: between two measurements on a line, above the last in proportion, below the first as that.
    package func seconds(factors: Int) -> (rating: Double, row: Double) {
        guard let right = points.firstIndex(where: { $0.factors >= factors }) else {
            let last = points[points.count - 1]
            let more = Double(factors) / Double(last.factors)
            return (last.ratingSeconds * more, last.rowSeconds * more)
        }
        guard right > 0 else { return (points[0].ratingSeconds, points[0].rowSeconds) }
        let (from, to) = (points[right - 1], points[right])
        let share = Double(factors - from.factors) / Double(to.factors - from.factors)
        return (
            from.ratingSeconds + share * (to.ratingSeconds - from.ratingSeconds),
            from.rowSeconds + share * (to.rowSeconds - from.rowSeconds)
        )
    }
}
