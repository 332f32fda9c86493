/// A way between two ranks.
package struct Link: Codable, Sendable, Equatable {
    /// Bytes a second that a rank sends, while it receives as many.
    package var bandwidth: Double
    /// Seconds from one rank to another, for a message of no size.
    package var latency: Double

    package init(bandwidth: Double, latency: Double) { (self.bandwidth, self.latency) = (bandwidth, latency) }
}

/// Machines that train together: equal *nodes*, each with ranks of some threads.
package struct Cluster: Sendable, Equatable {
    package var nodes: Int
    /// Ranks of a node, as `starling launch --workers` starts them.
    package var workers: Int
    /// Threads of a rank.
    package var threads: Int
    /// Processors of a node; more threads than these take turns.
    package var cores: Int
    /// Bytes of a node.
    package var memory: Int
    /// From node to node, whatever ranks a node has.
    package var network: Link
    /// Bytes a second that a checkpoint is written with.
    package var disk: Double

    package init(
        nodes: Int = 1, workers: Int = 1, threads: Int, cores: Int, memory: Int = 64_000_000_000,
        network: Link = Link(bandwidth: 1.25e9, latency: 50e-6), disk: Double = 1e9
    ) {
        precondition(nodes >= 1 && workers >= 1 && threads >= 1 && cores >= 1, "a cluster of nothing")
        (self.nodes, self.workers, self.threads, self.cores) = (nodes, workers, threads, cores)
        (self.memory, self.network, self.disk) = (memory, network, disk)
    }

    /// W.
    package var ranks: Int { nodes * workers }

    /// Processors of a node that work.
    package var busy: Int { min(workers * threads, cores) }

    /// How many nodes are worth asking about: 1, 2, 4, … and all of them; of one node, so many ranks.
    package var steps: [Cluster] {
        let most = nodes > 1 ? nodes : workers
        let counts = Array(sequence(first: 1) { $0 * 2 < most ? $0 * 2 : nil }) + (most > 1 ? [most] : [])
        return counts.map {
            var step = self
            if nodes > 1 { step.nodes = $0 } else { step.workers = $0 }
            return step
        }
    }
}

/// What a phase costs on a cluster, of which all nodes have the same share.
package struct PhaseCost: Sendable, Equatable {
    package var name: String
    /// Seconds that one thread of one rank would take for its share.
    package var work = 0.0
    /// Seconds more for what one thread does while a rank's others wait.
    package var serial = 0.0
    /// The share of the work that all processors of the measured machine are worth beside one of them.
    package var efficiency = 1.0
    /// Bytes that a node's memory moves.
    package var traffic = 0.0
    /// Whether processors wait for what memory moves, because each row is needed as soon as it is there; otherwise they work
    /// meanwhile.
    package var waitsForMemory = false
    /// Bytes that all ranks send together.
    package var sent = 0.0
    /// Messages that a rank waits for one after the other.
    package var messages = 0.0
    /// Pieces in which it works and sends, each sent while the next is worked on; 1 does one after the other.
    package var batches = 1.0

    package init(_ name: String) { self.name = name }

    package func phase(on cluster: Cluster, _ machine: MachineConstants) -> ScalingPhase {
        let (nodes, workers, ranks) = (Double(cluster.nodes), Double(cluster.workers), Double(cluster.ranks))
        let turns = max(1, workers * Double(cluster.threads) / Double(cluster.cores))
        let share = machine.efficiency(efficiency, busy: cluster.busy)
        let processor =
            work * turns / (Double(cluster.threads) * share) + serial * max(1, workers / Double(cluster.cores))
        let memory = traffic / machine.memoryBandwidth(cores: cluster.cores)
        // A rank sends as much to each of the others: to those of its node through the machine's own memory.
        let other = max(1, ranks - 1)
        let (near, far) = (sent / nodes * (workers - 1) / other, sent / nodes * (ranks - workers) / other)
        let own = workers > 1 ? near / (machine.link.bandwidth * Double(min(cluster.workers, cluster.cores))) : 0
        let wire =
            far / cluster.network.bandwidth
            + (ranks > 1 ? messages * (cluster.nodes > 1 ? cluster.network.latency : machine.link.latency) : 0)
        // Without a processor to spare, what ranks of a node hand each other takes the time of those that work.
        let isFull = cluster.workers * cluster.threads >= cluster.cores
        let working = waitsForMemory ? processor + memory : max(processor, memory)
        let busy = working + (isFull ? own : 0)
        let sending = wire + (isFull ? 0 : own)
        return ScalingPhase(
            name: name, sentBytes: Int(sent.rounded()), processorSeconds: processor, memorySeconds: memory,
            workSeconds: working, networkSeconds: own + wire, seconds: max(busy, sending) + min(busy, sending) / batches
        )
    }
}
