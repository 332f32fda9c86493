import Basics
import Formats
import Foundation
import Interactions
import Kernels
import Ranking
import Training

/// A folder of its own that goes with the last reference to it.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/starling-reports-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Users' vectors as they stand in rows.
struct Rows: QueryEncoder {
    let vectors: [[Float]]
    var dimensions: Int { vectors[0].count }

    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        for (row, user) in users.enumerated() { _ = table.row(row).update(from: vectors[user.index]) }
    }
}

func table(_ rows: [[Float]]) -> FactorTable {
    let table = FactorTable(rows: rows.count, width: rows[0].count)
    for (row, values) in rows.enumerated() { _ = table.row(row).update(from: values) }
    return table
}

/// A run on disk whose model is random vectors over random interactions, some of them held out.
struct ToyRun {
    let parts: LogParts
    let users, items: [[Float]]
    let catalog: ItemCatalog
    let folder: Folder
    var path: String { folder.path + "/run" }

    init(users count: Int = 60, items itemCount: Int = 40, rule: String = "random:0.2,0.1", seed: UInt64 = 3) throws {
        var random = RandomStream(seed: seed, .test)
        var entries: [(user: Int, item: Int, value: Float)] = []
        for user in 0..<count {
            // Users of few to about 30 interactions, some of them twice with one item; low items are had by many.
            for item in 0..<itemCount where random.below(count + itemCount) < (count - user) * 12 / (10 + item) {
                entries.append((user, item, Float(1 + random.below(5))))
                if random.below(9) == 0 { entries.append((user, item, Float(1 + random.below(5)))) }
            }
        }
        let log = InteractionLog(
            users: Vocabulary(.integers((0..<Int64(count)).map { $0 })),
            items: Vocabulary(.integers((0..<Int64(itemCount)).map { 100 + $0 })),
            userRows: entries.map { UInt32($0.user) }, itemRows: entries.map { UInt32($0.item) },
            values: entries.map(\.value), times: nil)
        parts = try log.split(SplitRule(parsing: rule), seed: seed)
        // Whole numbers, so that sums are exact in any order; scores tie now and then.
        users = (0..<count).map { _ in (0..<4).map { _ in Float(random.below(9) - 4) } }
        items = (0..<itemCount).map { _ in (0..<4).map { _ in Float(random.below(9) - 4) } }
        catalog = ItemCatalog(
            entries: Dictionary(
                uniqueKeysWithValues: (0..<itemCount).map { item in
                    (
                        String(100 + item),
                        .init(title: "Item <\(item)>", genres: item % 7 == 0 ? [] : ["g\(2 - item % 5 % 3)", "other"])
                    )
                }))
        folder = try Folder()
        let run = try RunDirectory(
            training: path,
            as: RunRecord(
                model: "toy", configuration: ["epochs": 2], data: .init(source: "toy.csv", fingerprint: "f00d"),
                isa: "baseline"))
        var model = ModelParts(
            manifest: ModelManifest(
                kind: "toy", users: count, items: itemCount, interactions: parts.train.count, factors: 4,
                facts: ["split": .string(rule)]),
            weights: [TensorSource(name: "items", items.flatMap { $0 }, shape: [itemCount, 4])], users: log.users,
            items: log.items)
        model.history = parts.train.userMatrix()
        model.heldOut[.validation] = parts.validation
        model.heldOut[.test] = parts.test
        try ModelFolder.write(model, to: run.modelPath)
        try run.finish(summary: ["seconds": 1.5])
    }

    var directory: RunDirectory { get throws { try RunDirectory(reading: path) } }
    var model: ModelFolder { get throws { try ModelFolder(path + "/model") } }

    func recommender(predictsRatings: Bool, threads: Int = 2) -> Recommender {
        Recommender(
            users: parts.train.users, items: parts.train.items, catalog: catalog, userCatalog: nil,
            history: TrainedHistory(parts.train.userMatrix()), encoder: Rows(vectors: users),
            predictsRatings: predictsRatings,
            itemVectors: table(items), similarityVectors: table(items), workers: Workers(threads: threads))
    }
}
