import Basics
import Formats
import Interactions
import Kernels
import Testing
import Training

@Suite struct ModelFolderTests {
    private let folder: Folder
    private var path: String { folder.path + "/model" }

    init() throws { folder = try Folder() }

    /// 40 users with string ids, 300 items with integer ids, some rows empty, some pairs twice.
    private func parts(levels: Int = 10) -> ModelParts {
        var random = RandomStream(seed: 5, .test)
        let users = Vocabulary<UserRow>((0..<40).map { "ünser-\($0)" })
        let items = Vocabulary<ItemRow>((0..<300).map { String($0 * 1000 - 7) })
        func log(_ count: Int) -> InteractionLog {
            InteractionLog(
                users: users, items: items, userRows: (0..<count).map { _ in UInt32(random.below(39)) },
                itemRows: (0..<count).map { _ in UInt32(random.below(300)) },
                values: (0..<count).map { _ in Float(random.below(levels)) / 2 },
                times: (0..<count).map { _ in Int64(random.below(1 << 40)) })
        }
        var parts = ModelParts(
            manifest: ModelManifest(
                kind: "mf", users: 40, items: 300, interactions: 2000, factors: 3,
                facts: ["global-mean": 3.5, "split": ["rule": "random", "seed": 7], "rating-range": [0.5, 5]]),
            weights: [TensorSource(name: "items", (0..<900).map { Float($0) }, shape: [300, 3])], users: users,
            items: items)
        parts.history = log(2000).userMatrix()
        parts.heldOut = [.validation: log(100), .test: log(0)]
        parts.catalog = ItemCatalog(entries: [
            "-7": .init(title: "Amélie 天", genres: ["Comedy", "Romance"]), "993": .init(title: "", genres: []),
            "5": .init(title: "not in the vocabulary", genres: []),
        ])
        parts.userCatalog = UserCatalog(
            attributes: ["age", "town"],
            values: ["ünser-3": ["31", ""], "ünser-4": ["", "Łódź"], "nobody": ["1", "2"]])
        return parts
    }

    @Test(arguments: [1, 10, 256, 257, 1000]) func comesBackAsItWent(levels: Int) throws {
        let parts = parts(levels: levels)
        try ModelFolder.write(parts, to: path)
        try ModelFolder.write(parts, to: path)
        #expect(try Files.list(folder.path) == ["model"])
        let model = try ModelFolder(path)
        #expect(model.manifest.facts == parts.manifest.facts)
        #expect(model.manifest.weightsSHA256 == (try WeightsDigest.sha256(parts.weights)))
        #expect(try WeightsDigest.sha256(model.weights) == model.manifest.weightsSHA256)
        #expect(try model.users.ids == parts.users.ids)
        #expect(try model.items.ids == parts.items.ids)
        #expect(try model.users.row(of: "ünser-7") == parts.users.row(of: "ünser-7"))
        let people = try #require(try model.userCatalog)
        #expect(people.attributes == ["age", "town"])
        #expect(people.values == ["ünser-3": ["31", ""], "ünser-4": ["", "Łódź"]])
        let history = try #require(try model.history())
        #expect(history.offsets == parts.history?.offsets)
        #expect(history.columns == parts.history?.columns)
        #expect(history.values == parts.history?.values)
        #expect(history.columnCount == 300)
        let validation = try #require(try model.heldOut(.validation))
        #expect(validation.userRows == parts.heldOut[.validation]?.userRows)
        #expect(validation.itemRows == parts.heldOut[.validation]?.itemRows)
        #expect(validation.values == parts.heldOut[.validation]?.values)
        #expect(validation.times == parts.heldOut[.validation]?.times)
        #expect(try model.heldOut(.test)?.count == 0)
        let catalog = try #require(try model.catalog)
        #expect(catalog.entries.count == 2)
        #expect(catalog.entries["-7"] == .init(title: "Amélie 天", genres: ["Comedy", "Romance"]))
        #expect(catalog.entries["993"] == .init(title: "", genres: []))
    }

    @Test func partsMayBeMissing() throws {
        var parts = parts()
        parts.history = nil
        parts.catalog = nil
        parts.heldOut = [:]
        try ModelFolder.write(parts, to: path)
        let model = try ModelFolder(path)
        #expect(try model.history() == nil)
        #expect(try model.catalog == nil)
        #expect(try model.heldOut(.test) == nil)
        #expect(failure { _ = try ModelFolder(folder.path) }?.code == .failed)
    }

    /// Whatever bytes are damaged, reading gives an error or other numbers, and never crashes.
    @Test func damageNeverCrashes() throws {
        try ModelFolder.write(parts(), to: path)
        var random = RandomStream(seed: 11, .test)
        let names = try Files.list(path).filter { $0.hasSuffix(".safetensors") || $0 == "model.json" }
        var errors = 0
        for name in names {
            let file = path + "/" + name
            let original = try Files.read(file)
            for attempt in 0..<150 {
                var bytes = original
                if attempt % 5 == 0 {
                    bytes.removeLast(1 + random.below(bytes.count))
                } else {
                    for _ in 0..<(1 + attempt % 3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
                }
                try overwrite(file, bytes)
                do {
                    let model = try ModelFolder(path)
                    _ = try (model.users, model.items, model.catalog, model.history())
                    _ = try ModelFolder.HeldOut.allCases.map { try model.heldOut($0) }
                } catch let error as StarlingError {
                    errors += 1
                    #expect(error.place.file?.hasPrefix(path) == true)
                }
            }
            try overwrite(file, original)
        }
        #expect(errors > 100)
    }
}
