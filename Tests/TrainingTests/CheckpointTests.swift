import Basics
import Formats
import Testing
import Training

@Suite struct CheckpointTests {
    private let folder: Folder
    private let store: CheckpointStore
    private let run: RunDirectory

    /// Three epochs of six; checkpoints 000002 and 000003 are there.
    init() throws {
        folder = try Folder()
        run = try RunDirectory(training: folder.path + "/run", as: record(epochs: 6))
        store = CheckpointStore(run.checkpointsPath)
        _ = try TrainingLoop(epochs: 3).train(FakeTrainer(), in: run)
    }

    private var newest: String { store.path + "/000003" }
    private static let files = ["state.json", "weights.safetensors", "optimizer.safetensors", "SHA256SUMS"]

    private func expectDamageIsNoticed(_ how: String, location: SourceLocation = #_sourceLocation) throws {
        var warnings: [String] = []
        let used = try store.newestGood { warnings.append($0) }
        #expect(used?.name.description == "000002", "\(how)", sourceLocation: location)
        #expect(warnings.count == 1 && warnings[0].contains("000003"), "\(how)", sourceLocation: location)
    }

    @Test(arguments: files) func everyFlippedByteIsNoticed(file: String) throws {
        let path = newest + "/" + file
        let original = try Files.read(path)
        for index in original.indices {
            var bytes = original
            bytes[index] ^= 1 << (index % 8)
            try overwrite(path, bytes)
            try expectDamageIsNoticed("byte \(index) of \(file)")
        }
        try overwrite(path, original)
        #expect(try store.newestGood { _ in }?.name.epochs == 3)
    }

    @Test(arguments: files) func truncationIsNoticed(file: String) throws {
        let path = newest + "/" + file
        let original = try Files.read(path)
        for length in 0..<original.count {
            try overwrite(path, original.prefix(length))
            try expectDamageIsNoticed("\(length) bytes of \(file)")
        }
        try overwrite(path, original + [10])
        try expectDamageIsNoticed("a byte more in \(file)")
        try Files.remove(path)
        try expectDamageIsNoticed("no \(file)")
    }

    /// A damaged newest checkpoint costs an epoch and no more; it is replaced when that epoch is done again.
    @Test func trainingGoesOnFromTheOneBefore() throws {
        try Files.write([], to: newest + "/weights.safetensors")
        let listener = Listener()
        let result = try TrainingLoop(epochs: 6).train(FakeTrainer(), in: run, observers: [listener])
        #expect(listener.warnings.count == 1)
        #expect(listener.epochs == [3, 4, 5, 6])
        #expect(try run.metrics().map(\.epoch) == [1, 2, 3, 4, 5, 6])
        #expect(result.weightsSHA256 == (try TrainingLoop(epochs: 6).train(FakeTrainer())).weightsSHA256)
        #expect(try store.newestGood { _ in Issue.record("still damaged") }?.name.epochs == 6)
    }

    /// The damaged one must not crowd out the good ones that come after it.
    @Test func aDamagedLaterOneGivesWayToAnInterruption() throws {
        try Files.write([], to: newest + "/state.json")
        let trainer = FakeTrainer()
        trainer.cancelAfter = 2
        var loop = TrainingLoop(epochs: 6)
        loop.keep = 1
        #expect(failure { _ = try loop.train(trainer, in: run) }?.code == .interrupted)
        #expect(try store.names().map(\.description) == ["000002", "000002.1"])
    }

    @Test func withoutAnyGoodOneTrainingStartsAgain() throws {
        for name in try store.names() { try Files.remove("\(store.path)/\(name)/SHA256SUMS") }
        let listener = Listener()
        let result = try TrainingLoop(epochs: 6).train(FakeTrainer(), in: run, observers: [listener])
        #expect(listener.warnings.count == 3)
        #expect(listener.epochs == [1, 2, 3, 4, 5, 6])
        #expect(result.epochs.count == 6)
    }

    @Test func aWriteThatFailsLeavesTheOldOnesAlone() throws {
        let trainer = FakeTrainer()
        trainer.diskIsFull = true
        let error = failure { _ = try TrainingLoop(epochs: 6).train(trainer, in: run) }
        #expect(error?.code == .failed)
        #expect(try Files.list(store.path) == ["000002", "000003"])
        #expect(try store.newestGood { _ in Issue.record("damaged") }?.name.epochs == 3)
    }

    @Test func leftoversAreRemoved() throws {
        try Files.makeDirectory(store.path + "/.tmp-000004-77")
        try Files.write([1], to: store.path + "/.tmp-000004-77/state.json")
        _ = try TrainingLoop(epochs: 4).train(FakeTrainer(), in: run)
        #expect(try Files.list(store.path) == ["000003", "000004"])
    }

    @Test func namesSortAsTheyCameAbout() {
        func names(_ texts: [String]) -> [CheckpointName] { texts.compactMap { CheckpointName($0) } }
        let sorted = ["000000.1", "000001", "000001.1", "000001.2", "000001.10", "000002", "1000000"]
        #expect(names(sorted.reversed()).sorted().map(\.description) == sorted)
        #expect(names(["1", "000001.", "000001.0", "000001.x", "000001.1.1", ".tmp-000001-5", "-00001", ""]).isEmpty)
    }

    @Test func expendableOnes() {
        func expendable(_ all: String, current: String, keep: Int, best: Int? = nil) -> String {
            CheckpointName.expendable(
                of: all.split(separator: " ").compactMap { CheckpointName(String($0)) },
                current: CheckpointName(current)!, keep: keep, best: best
            ).map(\.description).joined(separator: " ")
        }
        #expect(expendable("000001 000002 000003", current: "000003", keep: 2) == "000001")
        #expect(expendable("000001 000002 000003", current: "000003", keep: 2, best: 1) == "")
        #expect(expendable("000001 000002 000003", current: "000003", keep: 1, best: 2) == "000001")
        // An interruption counts beside the ends, and goes when it is passed.
        #expect(expendable("000001 000002 000002.1", current: "000002.1", keep: 1) == "000001")
        #expect(expendable("000002 000002.1 000002.2", current: "000002.2", keep: 1) == "000002.1")
        #expect(expendable("000002 000002.1 000003", current: "000003", keep: 2) == "000002.1")
        // Later ones could not be read, or training would have gone on from them.
        #expect(expendable("000002 000003 000005", current: "000003", keep: 1) == "000002 000005")
    }
}
