import Basics

/// Tensors in a safetensors file, mapped and not copied.
///
///     let file = try SafeTensorsFile("weights.safetensors")
///     let weights = try file.tensor("weights").expect(.float32, shape: [users, factors]).floats()
///
/// Opening checks all that the format promises (header of at most 100 MB, known element types, sizes that agree
/// with shapes, no holes, no overlaps, no key twice, data that ends with the file), so that a view can be read
/// without further checks. Source: the “Format” section of the safetensors README,
/// <https://github.com/huggingface/safetensors>. A file that another program shortens while it is open is not
/// guarded against.
public final class SafeTensorsFile: Sendable {
    /// The path, or the name that stands in for one.
    public let path: String
    /// All tensors, in the order of their data.
    public let names: [String]
    /// The header's `__metadata__`; empty where it has none.
    public let metadata: [String: String]
    let views: [String: TensorView]

    /// Maps the file and checks it.
    /// - Throws: `badData` naming the file, the tensor and what is wrong.
    /// - Complexity: O(header); data is not touched.
    public convenience init(_ path: String) throws {
        try self.init(MappedFile(path))
    }

    /// The same for a file already in memory; `name` stands in for the path in errors.
    public convenience init(bytes: some Collection<UInt8>, name: String) throws {
        try self.init(MappedFile(copying: bytes, name: name))
    }

    private init(_ memory: MappedFile) throws {
        let subject = Subject(file: memory.path)
        let bytes = memory.bytes
        guard bytes.count >= 8 else {
            throw subject.damaged("\(bytes.count) bytes are too few for a safetensors file")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= Self.headerLimit else {
            throw subject.damaged("not a safetensors file: its header would take \(length) bytes")
        }
        guard length <= bytes.count - 8 else {
            throw subject.damaged("the file ends within its header: \(bytes.count) bytes of \(8 + length)")
        }
        let dataStart = 8 + Int(length)
        let header = try SafeTensorsHeader(parsing: .init(rebasing: bytes[8..<dataStart]), subject)
        let data = UnsafeRawBufferPointer(rebasing: bytes[dataStart...])

        var end = 0
        var views: [String: TensorView] = [:]
        for entry in header.entries {
            let tensor = Subject(file: memory.path, part: "tensor “\(entry.name)”")
            guard entry.range.lowerBound == end else {
                throw tensor.damaged(
                    "its data begin at byte \(entry.range.lowerBound), those before it end at \(end)")
            }
            end = entry.range.upperBound
            guard end <= data.count else {
                throw tensor.damaged("its data end at byte \(end), but the file holds only \(data.count)")
            }
            views[entry.name] = TensorView(
                name: entry.name, elementType: entry.elementType, shape: entry.shape,
                bytes: .init(rebasing: data[entry.range]), owner: memory, tensor)
        }
        guard end == data.count else {
            throw subject.damaged("\(data.count - end) bytes behind the last tensor belong to none")
        }
        path = memory.path
        names = header.entries.map(\.name)
        metadata = header.metadata
        self.views = views
    }

    /// The format's own limit for a header, in bytes.
    static let headerLimit = 100_000_000

    public func contains(_ name: String) -> Bool { views[name] != nil }

    /// A view of one tensor, which keeps the file mapped.
    /// - Throws: `failed` naming the tensors there are.
    public func tensor(_ name: String) throws -> TensorView {
        if let view = views[name] { return view }
        let known = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
        throw Subject(file: path).unsuitable(
            names.isEmpty
                ? "there is no tensor “\(name)”: the file holds none"
                : "there is no tensor “\(name)” among \(known)")
    }
}
