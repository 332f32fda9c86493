import Starling

/// How a rank ended.
package struct RankEnd: Equatable, Sendable, CustomStringConvertible {
    package let rank: Int
    /// The process's own, or 128 + the signal that killed it, as shells count.
    package let status: Int32
    package let isKilled: Bool
    /// Since the ranks were started.
    package let seconds: Double
    /// Signals that it had been sent by then.
    package let told: [Int32]

    /// - Parameter waited: what `waitpid` says.
    package init(rank: Int, waited: Int32, seconds: Double, told: [Int32]) {
        (self.rank, self.seconds, self.told) = (rank, seconds, told)
        isKilled = waited & 0x7F != 0
        status = isKilled ? 128 + waited & 0x7F : waited >> 8 & 0xFF
    }

    /// How all ranks of a machine ended.
    package enum Outcome: Equatable, Sendable {
        case done
        /// On request, with a checkpoint.
        case stopped
        /// Because of this one.
        case failed(RankEnd)

        /// One rank's failure is the others' too, within the second or so in which they miss it. Blamed is who was killed,
        /// then who failed otherwise than for want of a rank, then who was first.
        ///
        /// - Parameter ends: in the order of time.
        package init(_ ends: [RankEnd]) {
            let causes = ends.filter(\.hasFailed)
            let together = causes.filter { $0.seconds <= causes[0].seconds + 1 }
            let lost = StarlingError.Code.unavailable.exitStatus
            if let blamed = together.first(where: \.isKilled) ?? together.first(where: { $0.status != lost })
                ?? causes.first
            {
                self = .failed(blamed)
            } else {
                self = ends.allSatisfy { $0.status == 0 } ? .done : .stopped
            }
        }
    }

    /// Whether it failed, and not because it was told to stop.
    var hasFailed: Bool {
        status != 0 && !(isKilled ? told.contains(status - 128) : isInterrupted)
    }

    var isInterrupted: Bool { status == StarlingError.Code.interrupted.exitStatus && !isKilled }

    /// Whether another start may go better: wrong options and bad data stay what they are.
    package var mayPass: Bool {
        isKilled || [.failed, .unavailable].map(\StarlingError.Code.exitStatus).contains(status)
    }

    package var description: String {
        isKilled ? "rank \(rank) was killed by signal \(status - 128)" : "rank \(rank) ended with status \(status)"
    }
}
