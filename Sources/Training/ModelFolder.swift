import Basics
public import Formats
public import Interactions

/// The folder `model/` of a run: all that inference needs, without the run's checkpoints or its data.
///
/// `model.json` · `weights.safetensors` · `vocabulary.safetensors` (raw ids of users and items in row order) ·
/// `catalog.safetensors` · `user-catalog.safetensors` · `history.safetensors` · `sequences.safetensors` ·
/// `validation.safetensors` · `test.safetensors` · `fold-in.safetensors`, the last seven where there is such a part · `SHA256SUMS`. Parts are read when
/// they are asked for, and checked then against `SHA256SUMS` (`sha256sum -c` reads it too).
///
/// In place of a very large `history.safetensors` there are `history.json`, which says where the histories are
/// (``HistoryReference``), and `history-counts.safetensors`: `activity` U32 `[users]` and `audience` U32 `[items]`.
///
/// ```swift
/// let model = try ModelFolder("runs/first/model")
/// print(try model.items[ItemRow(0)], try model.catalog?.entries.count ?? 0)
/// ```
public final class ModelFolder {
    /// Interactions that training did not see.
    public enum HeldOut: String, Sendable, CaseIterable {
        case validation, test
        /// The histories of users who were held out whole; what is to be found is their ``test`` part.
        case foldIn = "fold-in"
    }

    public let path: String
    public let manifest: ModelManifest
    public let weights: SafeTensorsFile

    private let access: HistoryAccess
    private var loadedHistory: TrainedHistory?
    private var loadedVocabularies: (Vocabulary<UserRow>, Vocabulary<ItemRow>)?

    /// - Parameter access: how histories are read that the folder refers to.
    /// - Throws: `failed` if the folder, its `model.json` or its weights are missing or unreadable.
    public init(_ path: String, access: HistoryAccess = HistoryAccess()) throws {
        (self.path, self.access) = (path, access)
        let file = path + "/model.json"
        guard Files.kind(file) == .file else {
            throw StarlingError(
                .failed, "there is no model", at: .init(file: path),
                remedy: "finish the training of its run first (--resume)")
        }
        try Checksums.verify("model.json", in: path)
        manifest = try JSON.decode(ModelManifest.self, from: try Files.read(file), file: file)
        guard manifest.users >= 0, manifest.users < Int(UInt32.max), manifest.items >= 0,
            manifest.items < Int(UInt32.max), manifest.factors >= 0
        else { throw StarlingError(.failed, "impossible sizes", at: .init(file: file)) }
        weights = try Self.tensors("weights", in: path)
    }

    /// The raw ids of users, in row order.
    public var users: Vocabulary<UserRow> { get throws { try vocabularies.0 } }

    /// The raw ids of items, in row order.
    public var items: Vocabulary<ItemRow> { get throws { try vocabularies.1 } }

    private var vocabularies: (Vocabulary<UserRow>, Vocabulary<ItemRow>) {
        get throws {
            if let loadedVocabularies { return loadedVocabularies }
            let file = try Self.tensors("vocabulary", in: path)
            let both = (
                try Vocabulary<UserRow>("users", of: file, count: manifest.users),
                try Vocabulary<ItemRow>("items", of: file, count: manifest.items)
            )
            loadedVocabularies = both
            return both
        }
    }

    /// Titles and genres by raw id; nil if the run had none.
    public var catalog: ItemCatalog? {
        get throws { try part("catalog").map { try CatalogFile.catalog($0, items) } }
    }

    /// Attributes of users by raw id; nil if the run had none.
    public var userCatalog: UserCatalog? {
        get throws { try part("user-catalog").map { try UserCatalogFile.catalog($0, users) } }
    }

    /// What training saw, `[users × items]`; nil if it was not stored.
    ///
    /// - Throws: also what ``TrainedHistory/all()`` throws.
    public func history() throws -> InteractionMatrix<UserRow, ItemRow>? { try trainedHistory()?.all() }

    /// The same, from where it is read when it is asked for.
    public func trainedHistory() throws -> TrainedHistory? {
        if let loadedHistory { return loadedHistory }
        if let file = try part("history") {
            loadedHistory = TrainedHistory(
                try CompressedHistory.matrix(file, users: manifest.users, items: manifest.items))
        } else if let reference = try historyReference() {
            let counts = try Self.tensors(Self.counts, in: path)
            let referred = ReferredHistory(
                reference, activity: try counts.tensor("activity").expect(shape: [manifest.users]).uint32s(),
                audience: try counts.tensor("audience").expect(shape: [manifest.items]).uint32s())
            loadedHistory = TrainedHistory(referred, try users, try items, access)
        }
        return loadedHistory
    }

    /// Where histories are that the folder does not hold; nil if it does, or there are none.
    public func historyReference() throws -> HistoryReference? {
        let file = path + "/" + Self.reference
        guard Files.exists(file) else { return nil }
        try Checksums.verify(Self.reference, in: path)
        return try JSON.decode(HistoryReference.self, from: try Files.read(file), file: file)
    }

    private static let (reference, counts) = ("history.json", "history-counts")

    /// What training saw, each user's in the order of time; nil if the model does not go by it.
    public func sequences() throws -> InteractionSequences? {
        try part("sequences").map {
            try SequenceFile.sequences($0, users: manifest.users, items: manifest.items)
        }
    }

    /// Interactions kept from training; nil if there are none.
    public func heldOut(_ which: HeldOut) throws -> InteractionLog? {
        try part(which.rawValue).map { try LogFile.log($0, users: users, items: items) }
    }

    private func part(_ name: String) throws -> SafeTensorsFile? {
        Files.exists("\(path)/\(name).safetensors") ? try Self.tensors(name, in: path) : nil
    }

    private static func tensors(_ name: String, in path: String) throws -> SafeTensorsFile {
        try Checksums.verify(name + ".safetensors", in: path)
        return try SafeTensorsFile("\(path)/\(name).safetensors")
    }

    /// Writes the folder, whole or not at all, in place of one that stands there.
    ///
    /// - Precondition: the parts agree with the manifest's `users` and `items`.
    /// - Returns: the manifest as it was written, with the digest of the weights.
    /// - Throws: `failed` if it cannot be written; nothing of it is left then.
    @discardableResult
    public static func write(_ parts: ModelParts, to path: String) throws -> ModelManifest {
        var manifest = parts.manifest
        precondition(manifest.users == parts.users.count && manifest.items == parts.items.count)
        manifest.weightsSHA256 = try WeightsDigest.sha256(parts.weights)
        var tensors = [
            "weights": parts.weights, "vocabulary": parts.users.tensors("users") + parts.items.tensors("items"),
        ]
        if let catalog = parts.catalog { tensors["catalog"] = CatalogFile.tensors(catalog, parts.items) }
        if let catalog = parts.userCatalog { tensors["user-catalog"] = UserCatalogFile.tensors(catalog, parts.users) }
        if let history = parts.history {
            precondition(history.rowCount == manifest.users && history.columnCount == manifest.items)
            tensors["history"] = CompressedHistory.tensors(history)
        }
        var files = ["model.json": try JSON.bytes(manifest, pretty: true)]
        if let referred = parts.referredHistory {
            precondition(parts.history == nil, "histories stand in one place")
            precondition(referred.activity.count == manifest.users && referred.audience.count == manifest.items)
            files[reference] = try JSON.bytes(referred.reference, pretty: true)
            tensors[counts] = [
                TensorSource(name: "activity", referred.activity), TensorSource(name: "audience", referred.audience),
            ]
        }
        if let sequences = parts.sequences {
            precondition(sequences.userCount == manifest.users)
            tensors["sequences"] = SequenceFile.tensors(sequences)
        }
        for (which, log) in parts.heldOut {
            precondition(log.users.count == manifest.users && log.items.count == manifest.items)
            tensors[which.rawValue] = LogFile.tensors(log)
        }
        try Files.writeFolderAtomically(to: path) { aside in
            for (name, bytes) in files { try Files.write(bytes + [UInt8(ascii: "\n")], to: aside + "/" + name) }
            for (name, tensors) in tensors { try SafeTensors.write(tensors, to: "\(aside)/\(name).safetensors") }
            let names = files.keys.sorted(by: >) + tensors.keys.sorted().map { $0 + ".safetensors" }
            try Checksums.write(of: names, in: aside)
        }
        return manifest
    }
}
