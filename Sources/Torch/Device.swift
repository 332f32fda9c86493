import Basics
import CTorch

/// Where tensors lie and operators run.
public enum Device: Sendable, Hashable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    /// `cpu`, `cuda`, `cuda:1`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        if text == "cpu" {
            self = .cpu
        } else if text == "cuda" {
            self = .cuda(0)
        } else if text.hasPrefix("cuda:"), let index = Int(text.dropFirst(5)), (0..<128).contains(index) {
            self = .cuda(index)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    /// LibTorch's number of the kind of device.
    var type: Int32 {
        switch self {
        case .cpu: 0
        case .cuda: 1
        }
    }

    var index: Int32 {
        switch self {
        case .cpu: -1
        case .cuda(let index): Int32(index)
        }
    }

    /// The GPU of one of the ranks of a machine, which take them in turn.
    ///
    /// - Parameter rank: from 0, among those of the machine.
    /// - Throws: `unavailable` without a GPU.
    public static func cuda(ofLocalRank rank: Int) throws -> Device { .cuda(rank % (try cuda(0).count())) }

    /// Tells GPUs of a machine apart, of whatever a process sees of them.
    var place: String {
        let visible = Host.variable("CUDA_VISIBLE_DEVICES")?.split(separator: ",") ?? []
        let index = max(0, Int(index))
        return index < visible.count ? String(visible[index]) : "\(index)"
    }

    /// How many of its kind there are, at least 1.
    private func count() throws -> Int {
        let library = try TorchLibrary.opened()
        var count: Int32 = 0
        try library.check(library.plugin.table.pointee.device_count(type, &count))
        return Int(count)
    }

    /// Sees to it that the device is there.
    /// - Throws: `unavailable` that says what is missing.
    public func require() throws {
        guard case .cuda(let index) = self else { return }
        let count = try count()
        guard index < count else {
            throw StarlingError(
                .unavailable, "there is no \(self): the machine has \(count) CUDA device\(count == 1 ? "" : "s")",
                remedy: "use cuda:0 to cuda:\(count - 1)")
        }
    }

    /// Waits until everything that was asked of the device is done.
    public func synchronize() throws {
        guard case .cuda = self else { return }
        let library = try TorchLibrary.opened()
        try library.check(library.plugin.table.pointee.synchronize(index))
    }

    /// What is used of a GPU; nil for the CPU.
    public func use() throws -> DeviceUse? {
        guard case .cuda = self else { return nil }
        let library = try TorchLibrary.opened()
        var use = starling_device_use()
        try library.check(library.plugin.table.pointee.use(index, &use))
        return DeviceUse(
            allocated: Int(use.allocated), peak: Int(use.peak), reserved: Int(use.reserved), free: Int(use.free),
            total: Int(use.total), utilization: use.utilization < 0 ? nil : Double(use.utilization) / 100)
    }

    /// The state of the device's random numbers, as bytes.
    public func randomState() throws -> [UInt8] {
        let library = try TorchLibrary.opened()
        var state: OpaquePointer?
        try library.check(library.plugin.table.pointee.random_state(type, index, &state))
        return try Tensor(state!, library).array()
    }

    public func setRandomState(_ state: [UInt8]) throws {
        let library = try TorchLibrary.opened()
        let tensor = try Tensor(state, [state.count])
        try library.check(library.plugin.table.pointee.set_random_state(type, index, tensor.handle))
    }
}

/// Bytes on a device, and how busy it is.
public struct DeviceUse: Sendable {
    /// Held by tensors now, and at most so far.
    public let allocated, peak: Int
    /// Taken from the device, for tensors to come too.
    public let reserved: Int
    /// On the whole device.
    public let free, total: Int
    /// The share of the last moments in which it computed, 0 to 1; nil where NVIDIA's management library is not there.
    public let utilization: Double?
}
