import Basics
import Formats
import Foundation
import LocalRanks
import Synchronization
import Testing
import Torch
import Training

/// Ranks that are threads of this process and meet through c10d.
enum GlooRanks {
    /// Runs `body` as every rank of a group; what each returned, in their order.
    static func run<Result: Sendable>(
        _ size: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> Result
    ) throws -> [Result] {
        let port = try LocalRanks.freePort()
        let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
        let threads = (0..<size).map { rank in
            Thread {
                let result = Swift.Result {
                    var place = ProcessGroup.Rendezvous(rank: rank, size: size, port: port)
                    place.timeoutSeconds = 60
                    return try body(try ProcessGroup(place))
                }
                results.withLock { $0[rank] = result }
            }
        }
        for thread in threads {
            thread.stackSize = 8 << 20
            thread.start()
        }
        while !threads.allSatisfy(\.isFinished) { Thread.sleep(forTimeInterval: 0.002) }
        return try results.withLock { results in try (0..<size).map { try results[$0]!.get() } }
    }
}

extension EpochTrainer {
    /// What epochs gave.
    func curve(_ epochs: ClosedRange<Int>) throws -> [[String: Double]] {
        try epochs.map { try TwoTowerTests.train(self, epochs: $0...$0) }
    }

    /// The weights as rank 0 gets them; every rank has to ask.
    func tensors() throws -> [String: [Float]] { try Self.floats(weights) }

    /// The same of the optimiser's state.
    func moments() throws -> [String: [Float]] {
        try Self.floats(optimizerState.filter { $0.elementType == .float32 })
    }

    private static func floats(_ sources: [TensorSource]) throws -> [String: [Float]] {
        var tensors: [String: [Float]] = [:]
        for source in sources {
            var floats: [Float] = []
            try source.emit { floats += Array($0.bindMemory(to: Float.self)) }
            tensors[source.name] = floats
        }
        return tensors
    }

    /// Writes weights and state on rank 0, as the training loop does: all ranks emit in the files' order.
    func write(to folder: String, _ ranks: any Communicator) throws {
        for (name, sources) in [("weights", weights), ("state", optimizerState)] {
            if ranks.rank == 0 {
                try SafeTensors.write(sources, to: "\(folder)/\(name)")
            } else {
                // By element type, and then by name.
                let sorted = sources.sorted {
                    ($0.elementType == .float64 ? 0 : 1, $0.name) < ($1.elementType == .float64 ? 0 : 1, $1.name)
                }
                for source in sorted { try source.emit { _ in } }
            }
        }
        try ranks.barrier()
    }

    func restore(from folder: String) throws {
        try restore(weights: SafeTensorsFile(folder + "/weights"), optimizer: SafeTensorsFile(folder + "/state"))
    }
}

/// The largest difference of two models' weights.
func difference(_ one: [String: [Float]], _ other: [String: [Float]]) -> Float {
    differences(one, other).map { $0.map { abs($0) }.max() ?? 0 } ?? .infinity
}

/// The 2-norm of the difference of two models' weights.
func distance(_ one: [String: [Float]], _ other: [String: [Float]]) -> Double {
    differences(one, other).map { $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() } ?? .infinity
}

private func differences(_ one: [String: [Float]], _ other: [String: [Float]]) -> [Float]? {
    guard one.keys == other.keys, one.allSatisfy({ $1.count == other[$0]!.count }) else { return nil }
    return one.flatMap { name, floats in zip(floats, other[name]!).map { $0 - $1 } }
}
