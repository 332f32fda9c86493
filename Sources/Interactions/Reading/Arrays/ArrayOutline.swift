import Basics
import Formats

/// What the headers in an NPZ file say of its interactions.
struct ArrayOutline: Sendable {
    /// Which arrays hold what; nil for a sparse matrix.
    let names: NamedColumns?
    let count: Int
    /// Whether any rows can be read by themselves: of arrays that are not compressed.
    let canBeCut: Bool
    /// In words, for the report.
    let name: String

    var hasValues: Bool { names.map { $0.value != nil } ?? true }
    var hasTimes: Bool { names?.time != nil }

    /// - Throws: `badData` naming the file and the array that is missing; `usage` for options that do not fit.
    /// - Complexity: O(arrays).
    init(_ memory: MappedFile, _ options: ReadingOptions) throws {
        let archive = try NPZFile(memory)
        guard options.separator == nil else {
            throw StarlingError(
                .usage, "--separator has no meaning for arrays", at: .init(file: memory.path), remedy: "leave it out")
        }
        if options.columns == nil, archive.contains("format"), archive.contains("shape") {
            let shape = try archive.array("shape").int64s()
            (names, canBeCut) = (nil, false)
            count = try Self.count(archive, "indices")
            name = "SciPy CSR matrix, users × items: " + shape.map(String.init).joined(separator: " × ")
            return
        }
        if options.columns == nil, archive.contains("user_factors") || archive.contains("item_factors") {
            throw StarlingError(
                .badData, "it holds a model's vectors and no interactions", at: .init(file: archive.path),
                remedy: "name an archive of interactions")
        }
        let names = try NamedColumns(
            archive.names, options.columns,
            of: .init(
                path: archive.path, noun: "array", whole: "archive",
                remedy: "save numpy.savez(file, users=…, items=…, values=…, times=…)"))
        self.names = names
        count = try Self.count(archive, names.user)
        canBeCut = try [names.user, names.item, names.value, names.time].allSatisfy { name in
            try name.map(archive.isStored) ?? true
        }
        name = "NumPy arrays: " + names.description
    }

    /// Elements of an array; of one that is no column, so many that it is opened and refused.
    private static func count(_ archive: NPZFile, _ name: String) throws -> Int {
        let shape = try archive.stream(name).shape
        return shape.count == 1 ? shape[0] : 1
    }

    /// The parts that can be read independently, of about `size` rows each.
    func slices(of size: Int) -> [Range<Int>] {
        canBeCut && count > 0 ? LineGrid.cuts(0..<count, size: size) : [0..<count]
    }

    /// Whether it has the same columns, so that both can be read as one.
    func isLike(_ other: ArrayOutline) -> Bool {
        hasValues == other.hasValues && hasTimes == other.hasTimes && (names == nil) == (other.names == nil)
    }
}
