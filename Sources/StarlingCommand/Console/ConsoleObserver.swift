package import Starling

/// Shows a training on standard error: a live line on a terminal and a line for each finished epoch.
package final class ConsoleObserver: TrainingObserver {
    private let line: LiveLine
    private let unit: String
    private var progress: TrainingProgress

    /// - Parameter unit: what an epoch goes over, in the plural.
    package init(unit: String = "ratings", on line: LiveLine = LiveLine()) {
        self.line = line
        self.unit = unit
        progress = TrainingProgress(epochs: 0, unit: unit)
    }

    package func receive(_ event: TrainingEvent) {
        switch event {
        case .started(let epochs, let resumed):
            progress = TrainingProgress(epochs: epochs, unit: unit)
            if let resumed {
                line.print(
                    resumed.isEpochEnd
                        ? "going on after epoch \(resumed.epochs)" : "going on within epoch \(resumed.epochs + 1)")
            }
        case .progress(let epoch, let done):
            let state = progress.line(epoch: epoch, done, at: line.time)
            line.show(state)
        case .epochFinished(let epoch, let isBest):
            line.print(progress.finishedLine(epoch, isBest: isBest))
        case .warning(let text):
            line.print("warning: " + text)
        case .interrupted, .finished:
            line.erase()
        case .checkpointWritten:
            break
        }
    }
}
