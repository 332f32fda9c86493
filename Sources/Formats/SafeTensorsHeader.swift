import Basics

/// The JSON header of a safetensors file, checked for itself and not yet against the data behind it.
struct SafeTensorsHeader {
    struct Entry {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        /// Bytes from the start of the data.
        let range: Range<Int>
    }

    /// In data order; tensors without elements in the order of the header.
    private(set) var entries: [Entry] = []
    private(set) var metadata: [String: String] = [:]

    init(parsing text: UnsafeRawBufferPointer, _ subject: Subject) throws {
        var scanner = HeaderScanner(text, subject)
        guard scanner.next == UInt8(ascii: "{") else { throw scanner.failure("“{” is expected") }
        var names: Set<String> = []
        var (entries, metadata) = (entries, metadata)
        try scanner.object { scanner, name in
            guard names.insert(name).inserted else {
                throw subject.damaged("tensor “\(name)” stands twice in the header")
            }
            if name == "__metadata__" {
                try scanner.object { scanner, key in
                    guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                        throw subject.damaged("key “\(key)” stands twice in the metadata")
                    }
                }
            } else {
                entries.append(try Self.entry(name, &scanner))
            }
        }
        try scanner.expectEnd()
        self.metadata = metadata
        self.entries = entries.enumerated().sorted {
            let (left, right) = ($0.element.range, $1.element.range)
            return (left.lowerBound, left.upperBound, $0.offset) < (right.lowerBound, right.upperBound, $1.offset)
        }.map(\.element)
    }

    private static func entry(_ name: String, _ scanner: inout HeaderScanner) throws -> Entry {
        let tensor = Subject(file: scanner.subject.file, part: "tensor “\(name)”")
        var elementType: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { scanner, key in
            switch key {
            case "dtype" where elementType == nil:
                let word = try scanner.string()
                guard let type = ElementType(rawValue: word) else {
                    let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
                    throw tensor.damaged("its element type “\(word)” is not one of \(known)")
                }
                elementType = type
            case "shape" where shape == nil: shape = try scanner.naturals()
            case "data_offsets" where offsets == nil: offsets = try scanner.naturals()
            case "dtype", "shape", "data_offsets": throw tensor.damaged("key “\(key)” stands twice in the header")
            default: throw tensor.damaged("key “\(key)” in the header is not known")
            }
        }
        guard let elementType, let shape, let offsets else {
            let key = elementType == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw tensor.damaged("key “\(key)” is missing in the header")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw tensor.damaged("its data_offsets \(offsets) are not a begin and an end")
        }
        guard let size = byteCount(size: elementType.size, shape: shape) else {
            throw tensor.damaged("its shape \(shape) is too large to be true")
        }
        guard size == offsets[1] - offsets[0] else {
            throw tensor.damaged(
                "\(elementType.rawValue) \(shape) takes \(size) bytes, but its data_offsets \(offsets) span "
                    + "\(offsets[1] - offsets[0])")
        }
        return Entry(name: name, elementType: elementType, shape: shape, range: offsets[0]..<offsets[1])
    }
}
