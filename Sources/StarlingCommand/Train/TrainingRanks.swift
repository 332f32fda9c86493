package import Starling
import Torch

/// The ranks that a `train` command is one of.
package enum TrainingRanks {
    /// Meets the others where the environment says that there are some.
    ///
    /// - Throws: `usage` for an environment that does not fit together; `unavailable` if the others do not come in time.
    static func meet() throws -> any Communicator {
        guard let place = try rendezvous(Host.variable) else { return OneRank() }
        if place.rank == 0 {
            FileHandles.standardError("ranks   meeting \(place.size - 1) others at \(place.host):\(place.port)\n")
        }
        return try ProcessGroup(place)
    }

    /// What a run's record says of the ranks; nil for one.
    static func cluster(_ ranks: any Communicator) -> RunRecord.Cluster? {
        ranks.size == 1 ? nil : RunRecord.Cluster(rank: ranks.rank, world: ranks.size, task: "rank \(ranks.rank)")
    }

    /// Compares what ranks were asked with what rank 0 was asked, before any of them reads data.
    ///
    /// - Throws: on every rank, `usage` that names the lowest rank that differs, and in what.
    package static func agree(_ ranks: any Communicator, on record: RunRecord) throws {
        struct Facts: Codable {
            let version, isa: String
            let model: String
            let configuration: [String: JSONValue]
        }
        guard ranks.size > 1 else { return }
        var configuration = record.configuration.filter { !free.contains($0.key) }
        // Which GPU a rank has is its own affair, whether it has one is not.
        if case .string(let device)? = configuration["device"], device.hasPrefix("cuda") {
            configuration["device"] = "cuda"
        }
        let own = Facts(
            version: record.versions.starling, isa: record.versions.isa, model: record.model,
            configuration: configuration)
        let all = try ranks.allGather(Array(JSON.text(own).utf8)).map {
            try JSON.decode(Facts.self, from: $0, file: "what a rank was asked")
        }
        let first = all[0]
        for (rank, other) in all.enumerated().dropFirst() {
            var differences: [String] = []
            func compare(_ name: String, _ there: String?, _ here: String?) {
                if there != here {
                    differences.append("\(name) is \(there ?? "not given") there and \(here ?? "not given") on rank 0")
                }
            }
            compare("starling's version", other.version, first.version)
            compare("the model", other.model, first.model)
            compare("the instruction set", other.isa, first.isa)
            for name in Set(other.configuration.keys).union(first.configuration.keys).sorted() {
                compare(
                    "--" + name, other.configuration[name].map { "\($0)" }, first.configuration[name].map { "\($0)" })
            }
            guard differences.isEmpty else {
                throw StarlingError(
                    .usage, "rank \(rank) was started differently: " + differences.joined(separator: "; "),
                    remedy: "start all ranks with the same command and version; STARLING_ISA sets an instruction set")
            }
        }
    }

    /// What may differ from rank to rank: where things lie, and what rank 0 alone does.
    private static let free = RunRecord.freeOptions.subtracting(["sharding"])
}
