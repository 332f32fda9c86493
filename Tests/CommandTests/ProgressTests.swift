import Starling
import StarlingCommand
import Testing

@Suite struct ProgressTests {
    private let line = ProgressLine(
        label: "epoch 3/20", fraction: 0.625, fields: ["71.4 M ratings/s", "loss 0.742", "val_rmse 0.8710"], left: 12)

    @Test func snapshotsByWidth() {
        #expect(
            line.render(width: 95, colour: false)
                == "epoch 3/20 ━━━━━━━━━━━━╸───────   62%  71.4 M ratings/s  loss 0.742  val_rmse 0.8710  0:12 left")
        #expect(
            line.render(width: 79, colour: false)
                == "epoch 3/20 ━━━━━━━━━━━━━────────   62%  71.4 M ratings/s  loss 0.742  0:12 left")
        #expect(line.render(width: 50, colour: false) == "epoch 3/20 ━━━━━━━━━━━━━╸────────   62%  0:12 left")
        #expect(line.render(width: 12, colour: false) == "epoch 3/20")
        #expect(line.render(width: 6, colour: false) == "epoch…")
        for width in 1...200 { #expect(DisplayWidth.of(line.render(width: width, colour: false)) <= width) }
    }

    @Test func barEndsAreExact() {
        func bar(_ fraction: Double) -> String {
            ProgressLine(label: "x", fraction: fraction).render(width: 16, colour: false)
        }
        #expect(bar(0) == "x ────────    0%")
        #expect(bar(0.07) == "x ╸───────    7%")
        #expect(bar(0.5) == "x ━━━━────   50%")
        #expect(bar(1) == "x ━━━━━━━━  100%")
        #expect(bar(1.5) == bar(1))
        let coloured = ProgressLine(label: "x", fraction: 0.5).render(width: 16, colour: true)
        #expect(coloured == "x \u{1B}[32m━━━━\u{1B}[0m\u{1B}[2m━━━━\u{1B}[0m   50%")
    }

    @Test func terminalsAreToldApart() {
        func decide(_ isTerminal: Bool, _ term: String?, _ noColour: String?) -> [Bool] {
            let terminal = Terminal.decide(isTerminal: isTerminal, term: term, noColour: noColour)
            return [terminal.isLive, terminal.hasColour]
        }
        #expect(decide(true, "xterm", nil) == [true, true])
        #expect(decide(true, "xterm", "") == [true, true])
        #expect(decide(true, "xterm", "1") == [true, false])
        #expect(decide(true, "dumb", nil) == [false, false])
        #expect(decide(false, "xterm", nil) == [false, false])
    }

    /// What goes to the terminal, with a clock of its own.
    private final class Screen {
        var time = 0.0
        var text = ""
        func line(live: Bool) -> LiveLine {
            LiveLine(
                terminal: Terminal(isLive: live, hasColour: false), width: { 61 }, now: { self.time },
                put: { self.text += $0 })
        }
    }

    private func train(_ screen: Screen, live: Bool) {
        let observer = ConsoleObserver(on: screen.line(live: live))
        observer.receive(.started(epochs: 10, resumed: nil))
        for step in 0...10 {
            screen.time = Double(step) / 16
            observer.receive(.progress(epoch: 1, EpochProgress(done: step * 1000, total: 10000, loss: 0.8)))
        }
        observer.receive(.warning("the disk is slow"))
        observer.receive(
            .epochFinished(
                EpochRecord(epoch: 1, seconds: 0.5, metrics: ["train_loss": 0.75, "val_rmse": 0.9, "val_mae": 0.7]),
                isBest: true))
        observer.receive(.interrupted(epoch: 2))
    }

    @Test func plainLinesWithoutATerminal() {
        let screen = Screen()
        train(screen, live: false)
        #expect(
            screen.text == """
                warning: the disk is slow
                epoch  1/10  loss 0.750  val_mae 0.7000  val_rmse 0.9000  20.0 k ratings/s  0.5 s  best

                """)
    }

    @Test func aLiveLineIsRedrawnTenTimesASecond() {
        let screen = Screen()
        train(screen, live: true)
        let drawn = screen.text.split(separator: "\r", omittingEmptySubsequences: true)
        // At 0, 0.125, … 0.625 s, then taken away for the lines that stay.
        #expect(drawn.filter { $0.hasPrefix("epoch") }.count == 6)
        #expect(drawn[1] == "epoch  1/10 ━━╸──────────   20%  16.0 k ratings/s  0:06 left\u{1B}[K")
        #expect(
            screen.text.hasSuffix(
                "\r\u{1B}[Kwarning: the disk is slow\nepoch  1/10  loss 0.750  "
                    + "val_mae 0.7000  val_rmse 0.9000  20.0 k ratings/s  0.5 s  best\n"))
    }

    /// After a resume speed and time left come from what this process has done.
    @Test func speedAfterAResume() {
        var progress = TrainingProgress(epochs: 4)
        let first = progress.line(epoch: 3, EpochProgress(done: 500, total: 1000), at: 7)
        #expect(first.left == nil && first.fields.isEmpty)
        let next = progress.line(epoch: 3, EpochProgress(done: 600, total: 1000), at: 8)
        #expect(next.fields == ["100 ratings/s"])
        // 0.1 epochs a second, 1.4 to go.
        #expect(abs(next.left! - 14) < 1e-9)
    }

    @Test func countingBar() {
        let line = ProgressBar.line(label: "ranking", unit: "users", done: 250, total: 1000, seconds: 5)
        #expect(line == ProgressLine(label: "ranking", fraction: 0.25, fields: ["50 users/s"], left: 15))
        let open = ProgressBar.line(label: "reading", unit: "rows", done: 0, total: nil, seconds: 0)
        #expect(open == ProgressLine(label: "reading"))
        #expect(ProgressBar.line(label: "x", unit: "y", done: 0, total: 0, seconds: 1).fraction == 1)
    }
}
