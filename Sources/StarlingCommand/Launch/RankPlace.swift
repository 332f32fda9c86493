import Starling
package import Torch

/// Where this process stands among the ranks of a training, and where they meet.
///
/// The first of these that is there says so:
/// 1. `WORLD_SIZE`, as `torchrun`, `starling launch`, Kubernetes' PyTorchJob and Ray set it, with `RANK`, `MASTER_ADDR` and
///    `MASTER_PORT`. 1 is no rank, whatever else is set.
/// 2. `CLUSTER_SPEC` of Vertex AI: the machines of the first two pools, who meet at the first's address.
/// 3. `SLURM_STEP_NUM_TASKS` above 1 under `srun`, with `SLURM_PROCID`. They meet at `MASTER_ADDR` and `MASTER_PORT`, if those are
///    set; else where `srun` was started, at a port that the job's number chooses.
///
/// `STARLING_RANK_TIMEOUT` is how many seconds a rank waits for the others, 600 by default.
///
/// - Parameter environment: a variable's value; nil where it is not set.
/// - Returns: nil for a process that trains alone.
/// - Throws: `usage` naming the variable that is missing or cannot be.
package func rendezvous(_ environment: (String) -> String?) throws -> ProcessGroup.Rendezvous? {
    var place: ProcessGroup.Rendezvous?
    if environment("WORLD_SIZE") != nil {
        place = try ProcessGroup.Rendezvous(environment)
    } else if environment("CLUSTER_SPEC") != nil {
        place = try vertexPlace(environment)
    } else if let tasks = environment("SLURM_STEP_NUM_TASKS"), tasks != "1" {
        place = try slurmPlace(environment)
    }
    place?.timeoutSeconds = try environment("STARLING_RANK_TIMEOUT").map(seconds) ?? 600
    return place
}

private func vertexPlace(_ environment: (String) -> String?) throws -> ProcessGroup.Rendezvous? {
    let job = try VertexJob(environment)
    guard let cluster = job.cluster, cluster.world > 1 || cluster.rank == nil else { return nil }
    guard let rank = cluster.rank else {
        throw StarlingError(
            .usage,
            "\(cluster.task) of CLUSTER_SPEC is no machine that trains: those of workerpool0 and workerpool1 are",
            remedy: "leave the job's third and fourth pool out")
    }
    let parts = (job.first ?? "").split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let port = Int(parts[1]), (1...65_535).contains(port) else {
        throw StarlingError(
            .usage, "the first machine of CLUSTER_SPEC is at “\(job.first ?? "")”, and no host:port",
            remedy: "unset it outside of Vertex AI, or set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT")
    }
    guard rank < cluster.world else {
        throw StarlingError(
            .usage, "\(cluster.task) of CLUSTER_SPEC is none of its \(cluster.world) machines",
            remedy: "unset it outside of Vertex AI")
    }
    var place = ProcessGroup.Rendezvous(rank: rank, size: cluster.world, port: port)
    place.host = String(parts[0])
    return place
}

private func slurmPlace(_ environment: (String) -> String?) throws -> ProcessGroup.Rendezvous {
    func wrong(_ name: String) -> StarlingError {
        StarlingError(
            .usage, "srun runs several tasks, and \(name) is " + (environment(name).map { "“\($0)”" } ?? "missing"),
            remedy:
                "start starling train with srun, or set MASTER_ADDR and MASTER_PORT; one process trains with srun -n 1")
    }
    func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int {
        guard let number = environment(name).flatMap({ Int($0) }), range.contains(number) else { throw wrong(name) }
        return number
    }
    let size = try number("SLURM_STEP_NUM_TASKS", 1...1_000_000)
    let port =
        environment("MASTER_PORT") == nil
        ? 15_000 + (try number("SLURM_JOB_ID", 0...Int.max)) % 20_000 : try number("MASTER_PORT", 1...65_535)
    var place = ProcessGroup.Rendezvous(rank: try number("SLURM_PROCID", 0...size - 1), size: size, port: port)
    guard let host = environment("MASTER_ADDR") ?? environment("SLURM_LAUNCH_NODE_IPADDR"), !host.isEmpty else {
        throw wrong("SLURM_LAUNCH_NODE_IPADDR")
    }
    place.host = host
    return place
}

private func seconds(_ text: String) throws -> Double {
    guard let seconds = Double(text), seconds > 0, seconds <= 1e6 else {
        throw StarlingError(
            .usage, "STARLING_RANK_TIMEOUT is “\(text)”",
            remedy: "set it to seconds, above 0 and up to 1,000,000, or unset it")
    }
    return seconds
}
