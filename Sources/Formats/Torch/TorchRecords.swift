import Basics

/// Which entries of an archive of `torch.save` are what.
struct TorchRecords {
    let pickle: ZipArchive.Entry
    /// Tensors' data by key.
    let storages: [String: ZipArchive.Entry]
    let isBigEndian: Bool

    init(_ archive: ZipArchive, _ subject: Subject) throws {
        // All entries lie in one folder, whose name is that of the file when it was written.
        let pickles = archive.entries.filter { entry in
            entry.name.hasSuffix("/data.pkl") && entry.name.utf8.count { $0 == UInt8(ascii: "/") } == 1
        }
        guard pickles.count == 1 else {
            throw subject.damaged(
                pickles.isEmpty
                    ? "it is a ZIP archive without a data.pkl, so torch.save did not write it"
                    : "it is a ZIP archive with \(pickles.count) files data.pkl")
        }
        pickle = pickles[0]
        let folder = pickle.name.dropLast("data.pkl".count)
        var storages: [String: ZipArchive.Entry] = [:]
        var byteOrder: ZipArchive.Entry?
        for entry in archive.entries where entry.name.hasPrefix(folder) {
            let name = entry.name.dropFirst(folder.count)
            if name == "constants.pkl" || name.hasPrefix("code/") {
                throw subject.damaged(
                    "it is a TorchScript program, which is not read",
                    remedy: "save its parameters, in Python: torch.save(torch.jit.load(path).state_dict(), other_path)")
            }
            if name == "byteorder" { byteOrder = entry }
            if name.hasPrefix("data/") { storages[String(name.dropFirst("data/".count))] = entry }
        }
        self.storages = storages
        guard let byteOrder else {
            isBigEndian = false
            return
        }
        switch String(decoding: try archive.stored(byteOrder, subject), as: UTF8.self) {
        case "little": isBigEndian = false
        case "big": isBigEndian = true
        default: throw subject.damaged("its byte order is neither “little” nor “big”")
        }
    }
}

extension ZipArchive {
    /// An entry as `torch.save` writes it: never compressed, so a view of the file.
    /// - Parameter checked: whether its checksum is known to fit.
    func stored(_ entry: Entry, _ subject: Subject, checked: Bool = false) throws -> UnsafeRawBufferPointer {
        guard entry.method == 0 else {
            throw subject.damaged(
                "entry “\(entry.name)” is compressed, which torch.save does not do", remedy: "save it with torch.save")
        }
        if checked { return UnsafeRawBufferPointer(rebasing: memory.bytes[entry.range]) }
        return try content(of: entry, subject).bytes
    }
}
