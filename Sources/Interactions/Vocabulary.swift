/// Raw ids and their rows, both ways.
///
/// Raw ids are strings. Where every id is a canonical integer (`-?[1-9][0-9]*` or `0`, within 64 bits) they are
/// held as integers. A vocabulary made from data is sorted (integers by value, strings by UTF-8 bytes), so rows
/// do not depend on the order or the partition of the input; later additions are appended.
public struct Vocabulary<Row: RowNumber>: Sendable {
    public enum IDs: Sendable, Equatable {
        case integers([Int64])
        /// The UTF-8 bytes of all ids back to back; id `r` is `bytes[offsets[r]..<offsets[r + 1]]`.
        case strings(bytes: [UInt8], offsets: [Int])
    }

    public let ids: IDs
    private let table: LookupTable

    /// Distinct ids, in row order.
    ///
    /// - Precondition: no id twice; fewer than 2³² − 1.
    public init(_ ids: IDs) {
        self.ids = ids
        table = LookupTable(ids)
    }

    /// Sorted and made distinct; integers if every id is a canonical one.
    public init(_ rawIDs: some Sequence<String>) {
        let texts = Array(rawIDs)
        let integers = texts.compactMap(canonicalInteger)
        if integers.count == texts.count {
            self.init(.integers(Array(Set(integers)).sorted()))
        } else {
            let sorted = Array(Set(texts)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            self.init(.strings(packing: sorted))
        }
    }

    public var count: Int { ids.count }

    /// The raw id of a row.
    public subscript(_ row: Row) -> String { ids[row.index] }

    /// The row of a raw id, or nil if it is not in the vocabulary. - Complexity: O(1) expected.
    public func row(of rawID: String) -> Row? { table.find(rawID, in: ids).map { Row($0) } }

    /// The row of a whole-numbered id; see ``row(of:)-(String)``.
    public func row(of id: Int64) -> Row? { table.find(id, in: ids).map { Row($0) } }

    /// All raw ids, in row order.
    public var rawIDs: [String] { (0..<count).map { ids[$0] } }

    /// This vocabulary and new ids behind it: rows stay what they are.
    ///
    /// - Precondition: none of `new` is in the vocabulary, none stands twice.
    public func appending(_ new: [String]) -> Vocabulary {
        let integers = new.compactMap(canonicalInteger)
        if case .integers(let own) = ids, integers.count == new.count { return Vocabulary(.integers(own + integers)) }
        return Vocabulary(.strings(packing: rawIDs + new))
    }
}

/// `text` as an integer if writing that integer out gives `text` again: no plus sign, no leading zero, no blank.
public func canonicalInteger(_ text: some StringProtocol) -> Int64? {
    guard let number = Int64(text), String(number) == text else { return nil }
    return number
}

extension Vocabulary.IDs {
    public var count: Int {
        switch self {
        case .integers(let ids): ids.count
        case .strings(_, let offsets): offsets.count - 1
        }
    }

    public subscript(_ index: Int) -> String {
        switch self {
        case .integers(let ids): String(ids[index])
        case .strings(let bytes, let offsets):
            String(decoding: bytes[offsets[index]..<offsets[index + 1]], as: UTF8.self)
        }
    }

    public static func strings(packing texts: some Sequence<String>) -> Self {
        var bytes: [UInt8] = []
        var offsets = [0]
        for text in texts {
            bytes.append(contentsOf: text.utf8)
            offsets.append(bytes.count)
        }
        return .strings(bytes: bytes, offsets: offsets)
    }
}

/// Open addressing over row numbers; the keys stay in the vocabulary.
private struct LookupTable: Sendable {
    private var slots: [UInt32]
    private let mask: Int
    private static let empty = UInt32.max

    init<Row>(_ ids: Vocabulary<Row>.IDs) {
        precondition(ids.count < Int(UInt32.max), "more ids than 32 bits count")
        var size = 16
        while size < ids.count * 2 { size *= 2 }
        slots = [UInt32](repeating: Self.empty, count: size)
        mask = size - 1
        for index in 0..<ids.count {
            var slot = Self.hash(index, ids) & mask
            while slots[slot] != Self.empty { slot = (slot + 1) & mask }
            slots[slot] = UInt32(index)
        }
    }

    func find<Row>(_ id: Int64, in ids: Vocabulary<Row>.IDs) -> Int? {
        guard case .integers(let integers) = ids else { return find(String(id), in: ids) }
        return probe(Self.hash(id)) { integers[$0] == id }
    }

    func find<Row>(_ rawID: String, in ids: Vocabulary<Row>.IDs) -> Int? {
        switch ids {
        case .integers(let integers):
            guard let number = canonicalInteger(rawID) else { return nil }
            return probe(Self.hash(number)) { integers[$0] == number }
        case .strings(let bytes, let offsets):
            let wanted = Array(rawID.utf8)
            return probe(Self.hash(wanted)) { bytes[offsets[$0]..<offsets[$0 + 1]].elementsEqual(wanted) }
        }
    }

    private func probe(_ hash: Int, _ matches: (Int) -> Bool) -> Int? {
        var slot = hash & mask
        while slots[slot] != Self.empty {
            if matches(Int(slots[slot])) { return Int(slots[slot]) }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private static func hash<Row>(_ index: Int, _ ids: Vocabulary<Row>.IDs) -> Int {
        switch ids {
        case .integers(let ids): hash(ids[index])
        case .strings(let bytes, let offsets): hash(bytes[offsets[index]..<offsets[index + 1]])
        }
    }

    private static func hash(_ number: Int64) -> Int {
        Int(truncatingIfNeeded: (UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15) >> 17)
    }

    /// FNV-1a with a final mix; ids are short.
    private static func hash(_ bytes: some Sequence<UInt8>) -> Int {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return Int(truncatingIfNeeded: (state ^ state >> 32) >> 1)
    }
}
