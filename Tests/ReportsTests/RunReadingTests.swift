import Basics
import Reports
import Testing
import Training

@Suite struct RunReadingTests {
    private func epochs(_ count: Int) -> [EpochRecord] {
        (0..<count).map { EpochRecord(epoch: $0 + 1, seconds: 1, metrics: ["val_rmse": Double($0)]) }
    }

    @Test func longCurvesAreThinned() {
        #expect(Report.Run.thinned(epochs(500), keeping: 7) == epochs(500))
        for best in [nil, 1, 2, 7, 1234, 4998, 4999, 5000] {
            let kept = Report.Run.thinned(epochs(5000), keeping: best).map(\.epoch)
            #expect(kept.count == 500 && kept.first == 1 && kept.last == 5000)
            #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 && $1 - $0 <= 21 })
            #expect(best.map(kept.contains) ?? true, "\(best ?? 0)")
        }
        #expect(Report.Run.thinned(epochs(501), keeping: nil).count == 500)
    }

    @Test func namesTellRunsApart() throws {
        #expect(try Report.Run.names(of: ["runs/a", "runs/b"]) == ["a", "b"])
        #expect(try Report.Run.names(of: ["old/a", "./new/a", "b"]) == ["old/a", "new/a", "b"])
        #expect(try Report.Run.names(of: ["a", "x/a", "/y/x/a"]) == ["a", "x/a", "y/x/a"])
        #expect(throws: StarlingError.self) { try Report.Run.names(of: ["a", "./a"]) }
    }

    @Test func whatTheFilesSay() throws {
        let toy = try ToyRun()
        let run = try Report.Run(toy.directory, name: "toy", command: "starling …")
        #expect(run.model == "toy" && run.status == .finished && run.seconds == 1.5 && run.epochs.isEmpty)
        #expect(run.configuration == ["epochs": 2] && run.data.fingerprint == "f00d" && run.bestEpoch == nil)
    }
}
