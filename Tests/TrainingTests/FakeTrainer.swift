import Basics
import Formats
import Training

/// A small deterministic model with weights, moments and a place within the epoch. Each epoch is `blocks` blocks;
/// its loss falls and then rises again after `turningPoint` epochs.
final class FakeTrainer: EpochTrainer {
    static let blocks = 5
    private(set) var table = [Float](repeating: 0, count: 24)
    private var moments = [Float](repeating: 0, count: 24)
    private var block = 0
    private var blocksTrained = 0
    /// Raises the flag itself when so many blocks are trained, counted from its making.
    var cancelAfter = Int.max
    var turningPoint = 100
    var lossOf: (Int) -> Double? = { _ in nil }
    var failAfter = Int.max
    /// Makes writing of weights fail, as a full disk does.
    var diskIsFull = false

    var weights: [TensorSource] {
        let full = TensorSource(name: "table", elementType: .float32, shape: [6, 4]) { _ in
            throw StarlingError(.failed, "no space left on device")
        }
        return [diskIsFull ? full : TensorSource(name: "table", table, shape: [6, 4])]
    }

    var optimizerState: [TensorSource] {
        [TensorSource(name: "moments", moments), TensorSource(name: "block", [Int64(block)])]
    }

    func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        table = try weights.tensor("table").expect(shape: [6, 4]).floats()
        moments = try optimizer.tensor("moments").expect(shape: [24]).floats()
        block = Int(try optimizer.tensor("block").int64s()[0])
    }

    func train(
        epoch: Int, cancellation: Cancellation, progress: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        while block < Self.blocks {
            for index in table.indices {
                let gradient = Float((index * 7 + epoch * 13 + block * 5) % 11) / 11 - table[index]
                moments[index] = 0.9 * moments[index] + gradient
                table[index] += 0.05 * moments[index]
            }
            block += 1
            blocksTrained += 1
            progress(EpochProgress(done: block, total: Self.blocks, loss: lossOf(epoch)))
            if blocksTrained >= failAfter { throw StarlingError(.failed, "the machine melted") }
            if blocksTrained >= cancelAfter { cancellation.cancel() }
            if cancellation.isCancelled && block < Self.blocks { return .interrupted }
        }
        block = 0
        let loss = lossOf(epoch) ?? Double(abs(epoch - turningPoint)) / 100
        return .finished(metrics: ["train_loss": loss, "val_rmse": loss + 0.5], seconds: 0.25)
    }
}

/// Collects what it hears.
final class Listener: TrainingObserver {
    var warnings: [String] = []
    var epochs: [Int] = []
    var resumed: [CheckpointName?] = []
    var checkpoints: [CheckpointName] = []

    func receive(_ event: TrainingEvent) {
        switch event {
        case .warning(let text): warnings.append(text)
        case .epochFinished(let record, _): epochs.append(record.epoch)
        case .started(_, let name): resumed.append(name)
        case .checkpointWritten(let name): checkpoints.append(name)
        default: break
        }
    }
}

/// A folder that is removed when the test is over.
final class Folder {
    let path: String
    init() throws { path = try Files.makeTemporaryFolder() }
    deinit { try? Files.remove(path) }
}

func record(epochs: Int = 4, factors: Int = 32, fingerprint: String = "f00d") -> RunRecord {
    RunRecord(
        model: "fake", configuration: ["factors": .integer(factors), "epochs": .integer(epochs), "threads": 2],
        data: .init(source: "ratings.csv", fingerprint: fingerprint), isa: "avx2")
}

/// Runs a body that must throw, and gives the error.
func failure(_ body: () throws -> Void) -> StarlingError? {
    do {
        try body()
        return nil
    } catch {
        return error as? StarlingError
    }
}

/// Puts bytes in a file's place without forcing them to disk, which thousands of damaged copies need not.
func overwrite(_ path: String, _ bytes: some Collection<UInt8>) throws {
    let writer = try FileWriter(creating: path)
    try writer.write(bytes)
    try writer.close(synced: false)
}
