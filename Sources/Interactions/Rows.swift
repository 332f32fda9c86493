/// A dense row number in one of the two vocabularies. Users and items have different types, so that an
/// interaction matrix cannot be taken the wrong way round.
public protocol RowNumber: Hashable, Comparable, Sendable {
    init(_ index: Int)
    var index: Int { get }
    /// “user” or “item”, for messages.
    static var noun: String { get }
}

extension RowNumber {
    public static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}

/// The row of a user, counted from 0.
public struct UserRow: RowNumber {
    private let row: UInt32
    public init(_ index: Int) { row = UInt32(index) }
    public var index: Int { Int(row) }
    public static let noun = "user"
}

/// The row of an item, counted from 0.
public struct ItemRow: RowNumber {
    private let row: UInt32
    public init(_ index: Int) { row = UInt32(index) }
    public var index: Int { Int(row) }
    public static let noun = "item"
}
