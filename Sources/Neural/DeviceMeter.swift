import Torch
import Training

/// What an epoch takes of a GPU: looked at now and then, told in progress and, at the end, among the epoch's metrics.
struct DeviceMeter {
    private let device: Device
    private var memoryBytes = 0
    /// Those that were told.
    private var shares: [Double] = []

    init(_ device: Device) { self.device = device }

    /// A look at it; nil for the CPU.
    mutating func look() throws -> DeviceLoad? {
        guard let use = try device.use() else { return nil }
        memoryBytes = use.peak
        if let share = use.utilization { shares.append(share) }
        return DeviceLoad(memoryBytes: use.peak, utilization: use.utilization)
    }

    /// `gpu_memory_bytes`, at most so far, and the mean `gpu_utilization` (0 to 1) of the looks since the last call; none for the
    /// CPU.
    mutating func metrics() -> [String: Double] {
        defer { shares = [] }
        var metrics: [String: Double] = [:]
        if memoryBytes > 0 { metrics["gpu_memory_bytes"] = Double(memoryBytes) }
        if !shares.isEmpty { metrics["gpu_utilization"] = shares.reduce(0, +) / Double(shares.count) }
        return metrics
    }
}
