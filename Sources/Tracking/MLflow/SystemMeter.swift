import Basics
import Dispatch
import Synchronization
import Training

/// Measures the machine now and then, under the names that MLflow's own client uses.
final class SystemMeter: Sendable {
    private struct State {
        var device: DeviceLoad?
        var lastBusy: (busy: Double, total: Double)?
    }

    private let state = Mutex(State())
    private let end = DispatchSemaphore(value: 0)

    /// Begins, on a thread of its own.
    func start(every seconds: Double, report: @escaping @Sendable ([String: Double]) -> Void) {
        state.withLock { $0.lastBusy = Host.processorTime() }
        DispatchQueue(label: "starling.system-meter").async { [self] in
            while end.wait(timeout: .now() + seconds) == .timedOut { report(measure()) }
        }
    }

    func finish() { end.signal() }

    /// A GPU's load, which only the training knows.
    func note(_ device: DeviceLoad) { state.withLock { $0.device = device } }

    func measure() -> [String: Double] {
        var values: [String: Double] = [:]
        let now = Host.processorTime()
        let (before, device) = state.withLock { state in
            defer { state.lastBusy = now }
            return (state.lastBusy, state.device)
        }
        if let now, let before, now.total > before.total {
            values["system/cpu_utilization_percentage"] = 100 * (now.busy - before.busy) / (now.total - before.total)
        }
        if let (used, total) = Host.memoryInUse() {
            values["system/system_memory_usage_megabytes"] = Double(used) / 1e6
            values["system/system_memory_usage_percentage"] = 100 * Double(used) / Double(max(1, total))
        }
        if let device {
            values["system/gpu_0_memory_usage_megabytes"] = Double(device.memoryBytes) / 1e6
            values["system/gpu_0_utilization_percentage"] = device.utilization.map { 100 * $0 }
        }
        return values
    }
}
