import Basics
import Formats

extension Checkpoint {
    /// Rank 0's checkpoint on every rank: others get its bytes, since they need not see its disk; nil where it has none.
    ///
    /// - Complexity: sends its bytes to every rank, in pieces of 64 MB through a temporary folder there.
    static func shared(_ own: Checkpoint?, _ ranks: any Communicator) throws -> Checkpoint? {
        guard ranks.size > 1 else { return own }
        struct Facts: Codable {
            var name = ""
            var path = ""
            var state: CheckpointState?
            var sizes: [Int] = []
        }
        let files = ["weights.safetensors", "optimizer.safetensors"]
        var facts = Facts()
        if let own {
            facts = Facts(name: "\(own.name)", path: own.path, state: own.state)
            facts.sizes = files.map { Files.size(own.path + "/" + $0) ?? 0 }
        }
        facts = try JSON.decode(
            Facts.self, from: ranks.broadcast(Array(JSON.text(facts).utf8)), file: "the checkpoint of rank 0")
        guard let state = facts.state, let name = CheckpointName(facts.name) else { return nil }
        let folder = ranks.rank == 0 ? nil : try Files.makeTemporaryFolder()
        defer { if let folder { try? Files.remove(folder) } }
        for (file, size) in zip(files, facts.sizes) {
            try share(file, size: size, from: own?.path, to: folder, ranks)
        }
        guard let folder else { return own }
        return Checkpoint(
            name: name, path: facts.path, state: state, weights: try SafeTensorsFile("\(folder)/\(files[0])"),
            optimizer: try SafeTensorsFile("\(folder)/\(files[1])"))
    }

    private static func share(
        _ file: String, size: Int, from source: String?, to folder: String?, _ ranks: any Communicator
    ) throws {
        let mapped = try source.map { try MappedFile("\($0)/\(file)") }
        let writer = try folder.map { try FileWriter(creating: "\($0)/\(file)") }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(max(size, 1), 64 << 20), alignment: 64)
        defer { piece.deallocate() }
        for start in stride(from: 0, to: size, by: piece.count) {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, size - start)])
            if let mapped {
                part.copyMemory(from: UnsafeRawBufferPointer(rebasing: mapped.bytes[start..<start + part.count]))
            }
            try ranks.broadcast(part)
            try writer?.write(UnsafeRawBufferPointer(part))
        }
        try writer?.close(synced: false)
    }
}
