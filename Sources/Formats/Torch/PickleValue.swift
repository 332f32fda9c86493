/// What a pickle of a state dict may hold.
///
/// Containers, storages and tensors are numbers of places in a ``PickleHeap``: they can be shared and changed after
/// they were shared, as in Python, and however deeply a file nests them nothing here is nested.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// A floating-point number, or a whole number beyond 64 bits. No part of a tensor is one, so which it is does not
    /// matter.
    case otherNumber
    case text(String)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case global(TorchGlobal)
    case storage(Int)
    case tensor(Int)

    /// In words, for errors.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a truth value"
        case .integer: "a whole number"
        case .otherNumber: "a number"
        case .text: "text"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .global(let global): "\(global.name)"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// The containers and tensors of one pickle.
struct PickleHeap {
    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    /// Entries in the order in which they were set; a key may stand several times, and its last value holds.
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [TorchStorage] = []
    var tensors: [TorchTensor] = []

    mutating func tuple(_ elements: [PickleValue]) -> PickleValue {
        tuples.append(elements)
        return .tuple(tuples.count - 1)
    }

    mutating func emptyList() -> PickleValue {
        lists.append([])
        return .list(lists.count - 1)
    }

    mutating func emptyDictionary() -> PickleValue {
        dictionaries.append([])
        return .dictionary(dictionaries.count - 1)
    }
}
