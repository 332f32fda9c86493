import Basics
import Foundation
import Testing

/// What must not happen in silence.
@Suite struct HonestyTests {
    let folder: TemporaryFolder
    let ratings: String
    var run: String { folder.path("run") }

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 20, items: 15))
        let trained = try starling([
            "train", "mf", "--data", ratings, "--output", folder.path("run"), "--factors", "4", "--epochs", "3",
        ])
        #expect(trained.status == 0, "\(trained.error)")
    }

    /// Runs a line of shell; `$STARLING` is the command.
    func shell(_ line: String) throws -> (status: Int32, error: String) {
        let command = builtProducts.appendingPathComponent("starling").path
        let found = try CommandTests.shell(line, environment: ["STARLING": command, "RUN": run, "RATINGS": ratings])
        return (found.status, found.error)
    }

    @Test func aResultThatCannotBeWrittenIsAnError() throws {
        #if os(Linux)
        let full = try shell(#""$STARLING" recommend "$RUN" --user 1 > /dev/full"#)
        #expect(full.status == 1 && full.error.contains("standard output"), "\(full.error)")
        #endif
        let closed = try shell(#""$STARLING" recommend "$RUN" --user 1 >&-"#)
        #expect(closed.status == 1 && closed.error.contains("standard output"), "\(closed.error)")
    }

    @Test func aClosedStreamsPlaceIsNotTakenByAFile() throws {
        let result = try shell(
            #""$STARLING" train mf --data "$RATINGS" --output "$RUN" --overwrite --epochs 2 2>&- >/dev/null"#)
        #expect(result.status == 0)
        for name in try Files.list(run) where Files.kind(run + "/" + name) == .file {
            #expect(!(try Files.readText(run + "/" + name)).contains("epoch 1/2"), "\(name)")
        }
    }

    @Test func nothingToScoreIsNoPerfectScore() throws {
        let strange = try folder.file("strange.csv", "user,item,rating\nx,y,3\n")
        let result = try starling(["evaluate", run, "--data", strange])
        #expect(result.status == 65 && result.error.contains("none of its 1"), "\(result.error)")
        let columns = try folder.file("columns.csv", "when;who;what;stars\n5;1;2;3.5\n6;2;1;4\n")
        let read = try starling([
            "evaluate", run, "--data", columns, "--columns", "user=who,item=what,value=stars", "--json",
        ])
        #expect(read.status == 0, "\(read.error)")
    }

    @Test func aDamagedModelIsNotUsed() throws {
        let file = run + "/model/weights.safetensors"
        var bytes = try Files.read(file)
        bytes[bytes.count - 9] ^= 0x40
        try Files.write(bytes, to: file)
        let result = try starling(["recommend", run, "--user", "1"])
        #expect(result.status == 1 && result.error.contains("SHA256SUMS"), "\(result.error)")
    }

    @Test func secretsAndControlCharactersAreNotRepeated() throws {
        for (address, status) in [("postgres://me:hunter2@127.0.0.1:1/db", 69), ("mysql://me:hunter2@host/db", 64)] {
            let secret = try starling(["data", "describe", "--data", address])
            #expect(secret.status == status && !secret.error.contains("hunter2"), "\(secret.status) \(secret.error)")
        }
        let escape = try starling(["recommend", run, "--user", "\u{1B}[31mzz"])
        #expect(escape.status == 65 && !escape.error.contains("\u{1B}"))
    }

    @Test func filesOfTheRunAreNotOverwritten() throws {
        let target = run + "/model/weights.safetensors"
        #expect(try starling(["export", run, "--to", target]).status == 64)
        #expect(try starling(["recommend", run, "--all-users", "--output", run + "/x.csv"]).status == 64)
        let nowhere = try starling(["export", run, "--to", folder.path("no/where.npz")])
        #expect(nowhere.status == 1 && nowhere.error.contains("is not there"), "\(nowhere.error)")
    }

    @Test func moreEpochsUnderALinearDecayAreAnotherTraining() throws {
        let longer = ["train", "mf", "--data", ratings, "--output", run, "--resume", "--factors", "4", "--epochs", "5"]
        let result = try starling(longer)
        #expect(result.status == 64 && result.error.contains("epochs: 3 in the run, 5 asked"), "\(result.error)")
    }
}
