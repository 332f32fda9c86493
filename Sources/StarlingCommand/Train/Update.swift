import ArgumentParser
import Starling

struct UpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Takes new interactions into a run without training it again.",
        discussion: """
            For runs of `train als`. Users with new interactions, and items that had none, get the vectors that fit their \
            whole history; all others stay as they are. The model is replaced whole or not at all; checkpoints, held-out \
            parts and metrics stay those of the training. Example:

              starling update runs/als --data today.csv
            """)

    @OptionGroup var use: UseFlags
    @OptionGroup(title: "Data") var reading: ReadingFlags

    func run() throws {
        let clock = Stopwatch()
        let run = try RunDirectory(reading: use.run)
        let workers = try makeWorkers(use.threads)
        let folder = try ModelFolder(run.modelPath, access: historyAccess(workers))
        let cancellation = Signals.cancelOnInterrupt()
        let log = try reading.read(workers: workers, cancellation: cancellation).log
        let update = try ALSUpdate(of: folder, with: log, workers: workers, isa: .current())
        let manifest = try ModelFolder.write(update.parts, to: run.modelPath)
        let answer = Answer(
            run: use.run, interactions_added: log.count, users_added: update.usersAdded, items_added: update.itemsAdded,
            users_recomputed: update.usersRecomputed, items_recomputed: update.itemsRecomputed, users: manifest.users,
            items: manifest.items, interactions: manifest.interactions, seconds: clock.seconds,
            weights_sha256: manifest.weightsSHA256)
        if use.json { return FileHandles.standardOutput(try JSON.text(answer) + "\n") }
        func row(_ name: String, _ new: Int, _ now: Int) -> [String] {
            [name, Numerals.grouped(new), Numerals.grouped(now)]
        }
        let table = Table(
            title: "Updated \(use.run)", header: ["", "new", "now"],
            rows: [
                row("interactions", answer.interactions_added, answer.interactions),
                row("users", answer.users_added, answer.users), row("items", answer.items_added, answer.items),
            ])
        FileHandles.standardOutput(table.render())
        FileHandles.standardOutput(
            "\nNew vectors for \(Numerals.grouped(update.usersRecomputed)) users and "
                + "\(Numerals.grouped(update.itemsRecomputed)) items, in \(Numerals.fixed(answer.seconds, 2)) s.\n")
    }

    /// Property names are the JSON keys.
    private struct Answer: Encodable {
        let run: String
        let interactions_added, users_added, items_added, users_recomputed, items_recomputed: Int
        let users, items, interactions: Int
        let seconds: Double
        let weights_sha256: String
    }
}
