public import Basics
public import Formats

/// What `state.json` of a checkpoint holds.
public struct CheckpointState: Codable, Equatable, Sendable {
    public var model: String
    public var configuration: [String: JSONValue]
    /// The instruction set that trained up to here.
    public var isa: String
    public var training: TrainingState
    /// False for a checkpoint written in the middle of an epoch.
    public var epochIsComplete: Bool
}

/// A checkpoint whose every byte has been verified.
public struct Checkpoint {
    public let name: CheckpointName
    public let path: String
    public let state: CheckpointState
    public let weights: SafeTensorsFile
    public let optimizer: SafeTensorsFile
}

/// The folder `checkpoints/` of a run. One writer at a time: the holder of the run's lock.
///
/// Each checkpoint is a folder with `state.json`, `weights.safetensors`, `optimizer.safetensors` and `SHA256SUMS`
/// over the three (`sha256sum -c SHA256SUMS` checks it by hand). It is written aside, forced to disk and
/// renamed, so it is there whole or not at all.
public struct CheckpointStore {
    public let path: String
    private static let files = ["state.json", "weights.safetensors", "optimizer.safetensors"]

    public init(_ path: String) { self.path = path }

    /// Checkpoints present, oldest first, whether good or damaged.
    public func names() throws -> [CheckpointName] {
        guard Files.kind(path) == .directory else { return [] }
        return try Files.list(path).compactMap { CheckpointName($0) }.sorted()
    }

    /// Writes a checkpoint; when it returns, the checkpoint survives a power cut. A damaged one of the same name
    /// is replaced.
    ///
    /// - Throws: `failed` when the disk is full or cannot be written; nothing of the new checkpoint is left then
    ///   and older ones are untouched.
    @discardableResult
    func write(
        _ state: CheckpointState, weights: [TensorSource], optimizer: [TensorSource]
    ) throws -> CheckpointName {
        try Files.makeDirectory(path)
        let name = try nextName(state)
        try Files.writeFolderAtomically(to: folder(name)) { aside in
            try Files.write(JSON.bytes(state, pretty: true), to: aside + "/state.json")
            try SafeTensors.write(weights, to: aside + "/weights.safetensors")
            try SafeTensors.write(optimizer, to: aside + "/optimizer.safetensors")
            try Checksums.write(of: Self.files, in: aside)
        }
        return name
    }

    /// Removes what is no longer needed after `current` was written; see ``CheckpointName/expendable(of:current:keep:best:)``.
    func prune(after current: CheckpointName, keep: Int, best: Int?) throws {
        for name in CheckpointName.expendable(of: try names(), current: current, keep: keep, best: best) {
            try Files.remove(folder(name))
        }
    }

    /// The newest checkpoint that is whole. Damaged ones are passed over, each with a warning.
    public func newestGood(warn: (String) -> Void) throws -> Checkpoint? {
        for name in try names().reversed() {
            do {
                return try open(name)
            } catch {
                warn("the checkpoint \(name) is damaged and is passed over: \(error)")
            }
        }
        return nil
    }

    /// Reads and verifies a checkpoint.
    ///
    /// - Throws: `failed` naming the file that is missing or not as it was written.
    /// - Complexity: reads every byte once to hash it.
    public func open(_ name: CheckpointName) throws -> Checkpoint {
        let folder = folder(name)
        try Checksums.verify(Self.files, in: folder)
        let file = folder + "/state.json"
        let state = try JSON.decode(CheckpointState.self, from: try Files.read(file), file: file)
        guard state.training.finishedEpochs == name.epochs, state.epochIsComplete == name.isEpochEnd else {
            throw StarlingError(.failed, "the folder's name and its state.json disagree", at: .init(file: folder))
        }
        return Checkpoint(
            name: name, path: folder, state: state, weights: try SafeTensorsFile(folder + "/weights.safetensors"),
            optimizer: try SafeTensorsFile(folder + "/optimizer.safetensors"))
    }

    package func folder(_ name: CheckpointName) -> String { "\(path)/\(name)" }

    private func nextName(_ state: CheckpointState) throws -> CheckpointName {
        let epochs = state.training.finishedEpochs
        if state.epochIsComplete { return CheckpointName(epochs: epochs) }
        let earlier = try names().filter { $0.epochs == epochs }.map(\.interruption).max() ?? 0
        return CheckpointName(epochs: epochs, interruption: earlier + 1)
    }
}
