import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The ranks of one machine, from their start to the end of the last.
struct RankGroup {
    /// How long ranks have to end when one has failed.
    private static let secondsToEnd = 10.0

    private var processes: [RankProcess] = []
    /// In the order of time.
    private var ends: [RankEnd] = []
    /// Signals that they were sent.
    private var told: [Int32] = []
    private let clock = Stopwatch()

    /// Starts the ranks, again where one is lost, and returns when all are done. Otherwise the process ends with the status of
    /// the rank to blame, which it names.
    ///
    /// - Parameters:
    ///   - port: where they meet; nil for a free one, each time another.
    ///   - maxRestarts: how often all are started again, from the last checkpoint.
    /// - Throws: `usage` for a port that is taken, `failed` if a process cannot be started.
    static func run(_ start: RankStart, port: Int?, maxRestarts: Int) throws {
        let cancellation = Signals.cancelOnInterrupt()
        // Whoever started us may have said that nobody waits for children.
        signal(SIGCHLD, SIG_DFL)
        for restarts in 0...maxRestarts {
            let meeting = start.holdsPort ? try MeetingPort.free(port) : port ?? 0
            var group = try RankGroup(start, port: meeting, restarts: restarts)
            switch group.wait(cancellation) {
            case .done: return
            case .stopped: exit(StarlingError.Code.interrupted.exitStatus)
            case .failed(let end):
                guard restarts < maxRestarts, end.mayPass, !cancellation.isCancelled else {
                    FileHandles.standardError("\(end)\n")
                    exit(end.status)
                }
                FileHandles.standardError("\(end); starting all again (\(restarts + 1) of \(maxRestarts))\n")
            }
        }
    }

    /// Starts all, or none.
    private init(_ start: RankStart, port: Int, restarts: Int) throws {
        let arguments = start.arguments(restarts: restarts)
        do {
            for rank in start.ranks {
                let variables = start.variables(rank: rank, port: port, restarts: restarts)
                processes.append(try RankProcess(rank: rank, arguments: arguments, variables: variables))
            }
        } catch {
            tell(SIGKILL)
            while advance() {}
            throw error
        }
    }

    /// Passes on what ranks write, and requests to stop to them, until all have ended.
    private mutating func wait(_ cancellation: Cancellation) -> RankEnd.Outcome {
        var killing: Double?
        while advance() {
            // Of another kind than what follows a failure: a second signal of a kind kills. Who writes a checkpoint is not
            // hurried.
            if !told.contains(SIGINT), cancellation.isCancelled || ends.contains(where: \.isInterrupted) {
                tell(SIGINT)
            }
            if killing == nil, ends.contains(where: \.hasFailed) {
                killing = clock.seconds + Self.secondsToEnd
                tell(SIGTERM)
            }
            if let at = killing, clock.seconds >= at, !told.contains(SIGKILL) { tell(SIGKILL) }
        }
        // Not to the end of a pipe, which somebody else may hold open.
        while relay(milliseconds: 0) {}
        return RankEnd.Outcome(ends)
    }

    private mutating func tell(_ signal: Int32) {
        told.append(signal)
        for process in processes where process.isRunning { process.send(signal) }
    }

    /// One step: passes on what is written, waiting a little for it, and takes note of who has ended. False if all have.
    private mutating func advance() -> Bool {
        relay(milliseconds: 20)
        for index in processes.indices {
            guard let waited = processes[index].ended() else { continue }
            ends.append(RankEnd(rank: processes[index].rank, waited: waited, seconds: clock.seconds, told: told))
        }
        return processes.contains(where: \.isRunning)
    }

    /// Waits so long for something that ranks have written, and passes it on; false if there was nothing.
    @discardableResult
    private mutating func relay(milliseconds: Int32) -> Bool {
        var files = processes.map { pollfd(fd: $0.output ?? -1, events: Int16(POLLIN), revents: 0) }
        guard poll(&files, nfds_t(files.count), milliseconds) > 0 else { return false }
        for index in processes.indices where files[index].revents != 0 { processes[index].relay() }
        return true
    }
}
