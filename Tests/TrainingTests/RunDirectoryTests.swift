import Basics
import Testing
import Training

@Suite struct RunDirectoryTests {
    private let folder: Folder
    private var path: String { folder.path + "/runs/first" }

    init() throws { folder = try Folder() }

    @Test func anExistingRunIsRefused() throws {
        _ = try RunDirectory(training: path, as: record())
        let error = failure { _ = try RunDirectory(training: path, as: record()) }
        #expect(error?.code == .usage)
        #expect(error?.remedy?.contains("--resume") == true && error?.remedy?.contains("--overwrite") == true)
    }

    @Test func oneProcessAtATime() throws {
        let run = try RunDirectory(training: path, as: record())
        let error = failure { _ = try RunDirectory(training: path, as: record(), ifPresent: .resume) }
        #expect(error?.code == .failed)
        #expect(error?.what.contains("is training into this run") == true)
        #expect(failure { _ = try RunDirectory(training: path, as: record(), ifPresent: .overwrite) } != nil)
        _ = try RunDirectory(reading: path)
        withExtendedLifetime(run) {}
    }

    @Test func aFinishedRunGivesItsResult() throws {
        do {
            let run = try RunDirectory(training: path, as: record(), ifPresent: .resume)
            #expect(run.record.status == .running && run.record.summary == nil)
            try run.finish(summary: ["metrics": ["val_rmse": 0.9]])
        }
        let run = try RunDirectory(training: path, as: record(), ifPresent: .resume)
        #expect(run.record.status == .finished)
        #expect(run.record.summary?["metrics"]?["val_rmse"] == 0.9)
        #expect(try RunDirectory(reading: path).record == run.record)
    }

    @Test func moreEpochsGoOn() throws {
        do { try RunDirectory(training: path, as: record(epochs: 4)).finish(summary: 1) }
        do {
            let run = try RunDirectory(training: path, as: record(epochs: 9), ifPresent: .resume)
            #expect(run.record.status == .running && run.record.summary == nil)
            #expect(run.record.configuration["epochs"] == 9)
        }
        let error = failure { _ = try RunDirectory(training: path, as: record(epochs: 8), ifPresent: .resume) }
        #expect(error?.code == .usage)
        #expect(error?.what.contains("epochs: 9 in the run, 8 asked") == true)
    }

    @Test func everyDifferenceIsNamed() {
        var asked = record(factors: 64, fingerprint: "beef")
        asked.model = "als"
        asked.configuration["threads"] = 7
        asked.configuration["learning-rate"] = 0.01
        #expect(
            record().differences(from: asked) == [
                "model: fake in the run, als asked", "factors: 32 in the run, 64 asked",
                "learning-rate: none in the run, 0.01 asked", "data: ratings.csv has changed since the run began",
            ])
        #expect(record().differences(from: record()).isEmpty)
    }

    @Test func otherOptionsAreRefused() throws {
        _ = try RunDirectory(training: path, as: record())
        let error = failure {
            _ = try RunDirectory(training: path, as: record(factors: 64), ifPresent: .resume)
        }
        #expect(error?.code == .usage)
        #expect(error?.what.contains("factors: 32 in the run, 64 asked") == true)
    }

    @Test func overwritingRemovesTheRunAndNothingElse() throws {
        do {
            let run = try RunDirectory(training: path, as: record())
            _ = try TrainingLoop(epochs: 2).train(FakeTrainer(), in: run)
            try Files.write([1], to: path + "/notes.txt")
        }
        let run = try RunDirectory(training: path, as: record(factors: 8), ifPresent: .overwrite)
        #expect(try Files.list(path) == [".lock", "notes.txt", "run.json"])
        #expect(try RunDirectory(reading: path).record == run.record)
    }

    @Test func foreignFoldersAreLeftAlone() throws {
        try Files.makeDirectory(path)
        try Files.write([1], to: path + "/thesis.txt")
        for mode in [RunDirectory.IfPresent.refuse, .resume, .overwrite] {
            #expect(failure { _ = try RunDirectory(training: path, as: record(), ifPresent: mode) }?.code == .usage)
        }
        #expect(try Files.list(path) == ["thesis.txt"])
        let file = failure { _ = try RunDirectory(training: path + "/thesis.txt", as: record()) }
        #expect(file?.code == .usage)
        #expect(failure { _ = try RunDirectory(reading: path) }?.code == .usage)
    }

    @Test func aDamagedRecordNamesTheWayOut() throws {
        _ = try RunDirectory(training: path, as: record())
        try Files.write(Array("{".utf8), to: path + "/run.json")
        let error = failure { _ = try RunDirectory(training: path, as: record(), ifPresent: .resume) }
        #expect(error?.code == .failed)
        #expect(error?.remedy?.contains("--overwrite") == true)
        _ = try RunDirectory(training: path, as: record(), ifPresent: .overwrite)
    }

    @Test func aCutLastLineOfMetricsIsLeftOut() throws {
        let run = try RunDirectory(training: path, as: record())
        let line = #"{"epoch":1,"seconds":2,"val_rmse":0.5}"#
        try Files.write(Array((line + "\n" + #"{"epoch":2,"sec"#).utf8), to: run.metricsPath)
        #expect(try run.metrics() == [EpochRecord(epoch: 1, seconds: 2, metrics: ["val_rmse": 0.5])])
        try Files.write([], to: run.metricsPath)
        #expect(try run.metrics().isEmpty)
    }
}
