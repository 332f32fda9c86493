import Starling

/// The folder that an expansion is written to, shard by shard.
struct ExpansionFolder {
    let path: String
    private let begun: ExpansionRecord?
    private let overwrites: Bool

    /// - Parameter report: a page that is going to be written beside it.
    /// - Throws: `usage` if something stands there, unless it is an expansion that is to be gone on with or replaced, or if
    ///   the page would lie in it.
    init(_ output: String, resume: Bool, overwrite: Bool, report: String?) throws {
        guard !(resume && overwrite) else {
            throw StarlingError(.usage, "--resume and --overwrite exclude each other", remedy: "give one of them")
        }
        // A kill before the record stood leaves no more than its beginning.
        if resume, Files.kind(output) == .directory {
            for name in try Files.list(output) where Self.isAside(name) { try Files.remove(output + "/" + name) }
        }
        begun = resume ? try ExpansionRecord.read(in: output) : nil
        overwrites = overwrite
        // What is gone on with holds nothing but an expansion either.
        path = try OutputFolder(output, overwrite: overwrite || begun != nil, noun: "an expansion", isPart: Self.isPart)
            .path
        guard let report else { return }
        guard Files.kind(report) != .directory, Files.kind(Files.parent(report)) == .directory else {
            throw StarlingError(
                .usage, "no file can be written here", at: .init(file: report),
                remedy: "name a file in a folder that is there")
        }
        guard !Files.isWithin(report, path) else {
            throw StarlingError(
                .usage, "the page would lie among the shards, all of which are read as data", at: .init(file: report),
                remedy: "name a file in another folder")
        }
    }

    private static func isPart(_ name: String) -> Bool {
        [ExpansionRecord.finishedName, ExpansionRecord.unfinishedName, MDSIndex.basename].contains(name)
            || name.hasPrefix("shard.") || name.hasPrefix(Files.asidePrefix) || isAside(name)
    }

    /// Whether it is a record that is being written.
    private static func isAside(_ name: String) -> Bool {
        [ExpansionRecord.finishedName, ExpansionRecord.unfinishedName].contains { name.hasPrefix($0 + ".tmp-") }
    }

    /// What came of the expansion that is there, if it is whole.
    ///
    /// - Throws: `usage` if it was begun with other settings.
    func result(of record: ExpansionRecord) throws -> JSONValue? {
        guard let begun else { return nil }
        try record.requireSame(as: begun, in: path)
        return begun.result
    }

    /// Makes the folder ready for what is not there yet.
    ///
    /// - Parameter bytes: of all shards.
    /// - Throws: `failed` if the disk has less than what is missing.
    func begin(_ record: ExpansionRecord, bytes: Int) throws {
        let names = Files.exists(path) ? try Files.list(path) : []
        let there = names.reduce(0) { $0 + (Files.size(path + "/" + $1) ?? 0) }
        var disk = path
        while !Files.exists(disk), disk != "/", disk != "." { disk = Files.parent(disk) }
        if let free = Files.freeBytes(disk), free < bytes - there {
            throw StarlingError(
                .failed,
                "the shards take \(Numerals.bytes(bytes - there)) more, and the disk has \(Numerals.bytes(free)) free",
                at: .init(file: path),
                remedy: "free some disk space, choose another --output, or ask for fewer --interactions")
        }
        if overwrites { try Files.remove(path) }
        try Files.makeDirectory(path)
        // Left over from a kill.
        for name in try Files.list(path) where name.contains(".tmp-") { try Files.remove(path + "/" + name) }
        if begun?.result == nil { try record.write(in: path) }
    }

    /// Marks the folder as whole.
    func finish(_ record: ExpansionRecord) throws { try record.write(in: path) }
}
