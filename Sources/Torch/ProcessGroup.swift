public import Basics
import CTorch

/// Processes that exchange tensors: c10d's group over Gloo, or between GPUs over NCCL, both of which LibTorch brings.
///
/// Ranks find each other as they do under `torchrun`: at `MASTER_ADDR` and `MASTER_PORT`, with `RANK` and `WORLD_SIZE`. Every
/// rank makes the same calls in the same order; each blocks until its part is done, and throws `unavailable` where another
/// rank is lost or the time is over. Tensors lie in C order in the CPU's memory, over NCCL on this rank's own GPU, where the device's
/// next work waits in place of the call. What ranks of one machine send each other goes by ``MemoryLanes``, where the system allows it.
public final class ProcessGroup: Communicator {
    public enum Backend: String, Sendable {
        case gloo, nccl
    }

    /// Where ranks meet, and which one this is.
    public struct Rendezvous: Sendable, Equatable {
        public var rank = 0
        /// Ranks, at least 1.
        public var size = 1
        public var host = "127.0.0.1"
        public var port = 29_500
        /// Whether this process listens at `host`: rank 0, unless a launcher does.
        public var serves: Bool
        /// Tells groups at one place apart.
        public var name = "starling"
        /// For meeting, and for each call.
        public var timeoutSeconds = 1800.0
        /// Whether ranks of one machine copy from memory to memory, where they can.
        package var usesMemory = true

        public init(rank: Int, size: Int, port: Int) {
            (self.rank, self.size, self.port, serves) = (rank, size, port, rank == 0)
        }

        /// What `torchrun` says, or whoever sets the same variables; nil where `WORLD_SIZE` is not set or 1.
        ///
        /// - Throws: `usage` naming the variable that is missing or no number within range.
        public init?(_ environment: (String) -> String?) throws {
            func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int {
                guard let text = environment(name), let number = Int(text), range.contains(number) else {
                    throw StarlingError(
                        .usage,
                        "WORLD_SIZE is set, and \(name) is "
                            + (environment(name).map { "“\($0)”" } ?? "missing"),
                        remedy: "set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun does, or none")
                }
                return number
            }
            guard let text = environment("WORLD_SIZE"), text != "1" else { return nil }
            let size = try number("WORLD_SIZE", 1...1_000_000)
            self.init(
                rank: try number("RANK", 0...size - 1), size: size, port: try number("MASTER_PORT", 1...65_535))
            guard let host = environment("MASTER_ADDR"), !host.isEmpty else {
                throw StarlingError(
                    .usage, "WORLD_SIZE is set, and MASTER_ADDR is missing",
                    remedy: "set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun does, or none")
            }
            self.host = host
            // torchrun's agent listens itself, for all starts of a job.
            if environment("TORCHELASTIC_USE_AGENT_STORE") == "True" {
                serves = false
                name += "/" + (environment("TORCHELASTIC_RESTART_COUNT") ?? "0")
            }
        }
    }

    public let rank, size: Int
    public private(set) var sentBytes = 0
    private let rendezvous: Rendezvous
    private let handle: OpaquePointer
    private let library: TorchLibrary
    private var lanes: MemoryLanes?
    /// What ``on(_:)`` found.
    private var devices: ProcessGroup??

    private var table: starling_torch { library.plugin.table.pointee }

    /// Meets the other ranks.
    ///
    /// - Throws: `unavailable` if they are not all there in time, the port is taken, or NCCL or a device is missing.
    public init(_ rendezvous: Rendezvous, over backend: Backend = .gloo) throws {
        precondition((0..<rendezvous.size).contains(rendezvous.rank), "rank \(rendezvous.rank) of \(rendezvous.size)")
        library = try TorchLibrary.opened()
        self.rendezvous = rendezvous
        (rank, size) = (rendezvous.rank, rendezvous.size)
        var made: OpaquePointer?
        try Self.check(
            library,
            library.plugin.table.pointee.join_group(
                backend.rawValue, rendezvous.host, Int32(rendezvous.port), rendezvous.serves ? 1 : 0, Int32(rank),
                Int32(size),
                Int64(rendezvous.timeoutSeconds * 1000), rendezvous.name, &made),
            "rank \(rank) of \(size) did not meet the others at \(rendezvous.host):\(rendezvous.port)")
        handle = made!
        if size > 1, rendezvous.usesMemory, backend == .gloo {
            lanes = try MemoryLanes(self, timeoutSeconds: rendezvous.timeoutSeconds)
            sentBytes = 0
        }
    }

    /// The same ranks over NCCL, each with a GPU; nil where its part of the plugin is not there for every rank, or two have one
    /// GPU, which NCCL refuses. All make the call at the same time.
    package func on(_ device: Device) throws -> ProcessGroup? {
        if let devices { return devices }
        let own = Files.size(library.ncclPath) == nil ? "" : "\(Host.name) \(device.place)"
        let places = try allGather(Array(own.utf8))
        var found: ProcessGroup?
        if Set(places).count == size, !places.contains([]) {
            var place = rendezvous
            (place.serves, place.name) = (false, rendezvous.name + "/nccl")
            found = try together { try ProcessGroup(place, over: .nccl) }
        }
        devices = .some(found)
        return found
    }

    /// Whether bytes for a rank go from memory to memory.
    package func reachesMemory(of rank: Int) -> Bool { lanes?.reach(rank) ?? false }

    deinit {
        // It meets where this one may serve.
        devices = nil
        library.plugin.table.pointee.leave_group(handle)
    }

    /// Adds the ranks' tensors up, in place.
    public func allReduce(_ tensor: Tensor) throws { try check(table.all_reduce(handle, tensor.handle)) }

    /// The ranks' tensors, of one shape, behind one another along the first axis.
    public func allGather(_ tensor: Tensor) throws -> Tensor {
        let shape = tensor.shape
        precondition(!shape.isEmpty, "a scalar has no axis to gather along")
        let all = try Tensor.empty([shape[0] * size] + shape.dropFirst(), tensor.dtype, on: tensor.device)
        try check(table.all_gather(handle, all.handle, tensor.handle))
        return all
    }

    /// Sends `counts[r]` of the first axis to rank r, behind one another in `tensor`, and returns what the ranks sent here,
    /// likewise, `received[r]` of rank r.
    public func allToAll(_ tensor: Tensor, counts: [Int], received: [Int]) throws -> Tensor {
        let shape = tensor.shape
        precondition(counts.count == size && received.count == size && counts.reduce(0, +) == shape.first, "counts")
        let target = try Tensor.empty([received.reduce(0, +)] + shape.dropFirst(), tensor.dtype, on: tensor.device)
        try check(
            table.all_to_all(handle, target.handle, received.map { Int64($0) }, tensor.handle, counts.map { Int64($0) })
        )
        return target
    }

    /// Overwrites the ranks' tensors by that of one.
    public func broadcast(_ tensor: Tensor, from root: Int) throws {
        try check(table.broadcast(handle, tensor.handle, Int32(root)))
    }

    /// Waits until every rank has come here.
    public func barrier() throws { try check(table.barrier(handle)) }

    public func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) throws -> any Transfer {
        sentBytes += bytes.count
        if let lanes, lanes.reach(rank) { return try lanes.send(bytes, to: rank) }
        return try transfer(with: rank) { table.send(handle, bytes.baseAddress, Int64(bytes.count), Int32(rank), &$0) }
    }

    public func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws -> any Transfer {
        if let lanes, lanes.reach(rank) { return try lanes.receive(bytes, from: rank) }
        return try transfer(with: rank) {
            table.receive(handle, bytes.baseAddress, Int64(bytes.count), Int32(rank), &$0)
        }
    }

    private func transfer(with other: Int, _ begin: (inout OpaquePointer?) -> Int32) throws -> any Transfer {
        var made: OpaquePointer?
        let lost = "rank \(rank) of \(size) lost rank \(other)"
        try Self.check(library, begin(&made), lost)
        return GroupTransfer(self, made!, lost)
    }

    private final class GroupTransfer: Transfer {
        private let group: ProcessGroup
        private var handle: OpaquePointer?
        private let lost: String

        init(_ group: ProcessGroup, _ handle: OpaquePointer, _ lost: String) {
            (self.group, self.handle, self.lost) = (group, handle, lost)
        }

        deinit { try? wait() }

        func wait() throws {
            guard let taken = handle else { return }
            handle = nil
            try ProcessGroup.check(group.library, group.table.finish(taken), lost)
        }
    }

    private func check(_ code: Int32) throws {
        try Self.check(library, code, "rank \(rank) of \(size) lost the others")
    }

    private static func check(_ library: TorchLibrary, _ code: Int32, _ what: String) throws {
        do {
            try library.check(code)
        } catch let error as StarlingError where error.code == .failed {
            throw StarlingError(
                .unavailable, "\(what): \(error.what)", remedy: "see whether all ranks run, and reach the host")
        }
    }
}
