import Basics
import Synchronization

/// Tensors in a `.pth` or `.pt` file, as `torch.save` writes state dicts since PyTorch 1.6; mapped, and copied only
/// where they have to be.
///
///     let file = try PTHFile("SASRec.pth")
///     let items = try file.tensor("item_emb.weight").expect(.float32, shape: [items + 1, width]).floats()
///
/// Such a file is a pickle, a program that Python runs. Here nothing is run: a restricted unpickler builds dictionaries,
/// lists, tuples, numbers, text and tensors, and refuses by name whatever else the file asks for. Names are the keys,
/// those of nested containers joined with dots (`model.item_emb.weight`), elements of lists by their number; values that
/// are no tensors are passed over. Devices do not matter, nor whether something is a parameter.
///
/// Not read: files from before PyTorch 1.6, TorchScript, whole pickled modules, sparse and quantised tensors. Each is
/// refused with the way out. Sources: `torch/serialization.py` (PyTorch 2.15), CPython's `Lib/pickletools.py`.
public final class PTHFile: Sendable {
    /// The path, or the name that stands in for one.
    public let path: String
    /// All tensors, in the order of the file. Tied weights stand under each of their names.
    public let names: [String]
    let tensors: [String: TorchTensor]
    private let archive: ZipArchive
    private let isBigEndian: Bool
    /// Where those storages start whose checksum was found to fit.
    private let checked = Mutex<Set<Int>>([])

    /// Maps the file and reads its pickle.
    /// - Throws: `badData` naming the file and what is wrong, or what it asks for that a state dict does not need.
    /// - Complexity: O(pickle), in time and memory; tensors' data are not touched.
    public convenience init(_ path: String) throws { try self.init(MappedFile(path)) }

    /// The same for a file already in memory; `name` stands in for the path in errors.
    public convenience init(bytes: some Collection<UInt8>, name: String) throws {
        try self.init(MappedFile(copying: bytes, name: name))
    }

    package init(_ memory: MappedFile) throws {
        let subject = Subject(file: memory.path)
        try Self.refuseOlderForms(memory.bytes, subject)
        let archive = try ZipArchive(memory)
        let records = try TorchRecords(archive, subject)
        let pickle = try archive.stored(records.pickle, subject)
        guard pickle.count <= Self.pickleLimit else {
            throw subject.damaged("its pickle of \(Numerals.bytes(pickle.count)) is too large for a state dict's")
        }
        var unpickler = Unpickler(pickle, storages: records.storages, subject)
        let value = try unpickler.load()
        let state = try StateDictionary(
            value, unpickler.heap, size: pickle.count, fileSize: memory.bytes.count, subject)
        path = memory.path
        names = state.names
        tensors = state.tensors
        isBigEndian = records.isBigEndian
        self.archive = archive
    }

    /// A state dict of a million tensors stays below it.
    private static let pickleLimit = 256 << 20

    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// A view of one tensor: row-major and little-endian, whatever its strides are in the file.
    ///
    /// - Throws: `badData` for damaged data; `failed` naming the tensors there are.
    /// - Complexity: O(bytes of its storage) for the checksum, once a storage; where its elements do not stand in the
    ///   file one after another, one copy a call. The copy of an expanded tensor is at most 1,024 times its storage.
    public func tensor(_ name: String) throws -> TensorView {
        guard let tensor = tensors[name] else {
            let known = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
            throw Subject(file: path).unsuitable(
                names.isEmpty
                    ? "there is no tensor “\(name)”: the file holds none"
                    : "there is no tensor “\(name)” among \(known)")
        }
        let subject = Subject(file: path, part: "tensor “\(name)”")
        let storage = try storage(tensor.storage.entry, subject)
        let count = tensor.byteCount
        func view(_ bytes: UnsafeRawBufferPointer, _ owner: any AnyObject & Sendable) -> TensorView {
            TensorView(
                name: name, elementType: tensor.elementType, shape: tensor.shape, bytes: bytes, owner: owner, subject)
        }
        guard count > 0 else { return view(.init(rebasing: storage[..<0]), archive.memory) }
        let swaps = isBigEndian && tensor.elementType.unit > 1
        if tensor.isContiguous && !swaps {
            let start = tensor.offset * tensor.elementType.size
            return view(.init(rebasing: storage[start..<start + count]), archive.memory)
        }
        let copy = try HeapBytes(count: count, for: subject)
        tensor.gather(from: storage, into: copy.bytes)
        if swaps { copy.bytes.reverseBytes(unit: tensor.elementType.unit) }
        return view(UnsafeRawBufferPointer(copy.bytes), copy)
    }

    private func storage(_ entry: ZipArchive.Entry, _ subject: Subject) throws -> UnsafeRawBufferPointer {
        let isChecked = checked.withLock { $0.contains(entry.range.lowerBound) }
        let bytes = try archive.stored(entry, subject, checked: isChecked)
        if !isChecked { checked.withLock { _ = $0.insert(entry.range.lowerBound) } }
        return bytes
    }

    private static func refuseOlderForms(_ bytes: UnsafeRawBufferPointer, _ subject: Subject) throws {
        // A pickle by itself: `torch.save` wrote several, the first of them a magic number of its own.
        guard bytes.count >= 2, bytes[0] == PickleOpcode.proto.rawValue else { return }
        let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        guard bytes.dropFirst(2).starts(with: magic) else {
            throw subject.damaged("it is a bare pickle and no file of torch.save", remedy: Unpickler.remedy)
        }
        throw subject.damaged(
            "it has the form that torch.save wrote before PyTorch 1.6, which is not read",
            remedy: "save it again, in Python: torch.save(torch.load(path, weights_only=True), path)")
    }
}
