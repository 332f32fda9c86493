import Basics

/// The tensors of nested containers by name: keys joined with dots, elements of lists by their number.
///
/// A pickle may refer to a container as often as it likes, and to itself, so that a few bytes can stand for any number
/// of tensors and for names of any length. What is made here stays in proportion to the pickle.
struct StateDictionary {
    /// In the order of the file.
    private(set) var names: [String] = []
    private(set) var tensors: [String: TorchTensor] = [:]

    private let heap: PickleHeap
    private let subject: Subject
    private var path: [String] = []
    /// Values that may still be looked at.
    private var visits: Int
    /// Bytes of names that may still be made.
    private var letters: Int
    /// Bytes that all tensors together may still take.
    private var data: Int

    private static let greatestDepth = 100

    /// Python tells 1 and "1" apart.
    private enum Key: Hashable {
        case text(String)
        case number(Int)

        var name: String {
            switch self {
            case .text(let text): text
            case .number(let number): "\(number)"
            }
        }
    }

    /// - Parameters:
    ///   - size: bytes of the pickle.
    ///   - fileSize: bytes of the file, which all tensors together may exceed as often as one its storage.
    init(_ value: PickleValue, _ heap: PickleHeap, size: Int, fileSize: Int, _ subject: Subject) throws {
        (self.heap, self.subject) = (heap, subject)
        (visits, letters, data) = (size, 64 * size, TorchTensor.greatestExpansion * fileSize)
        switch value {
        case .dictionary, .list, .tuple: try visit(value)
        default:
            throw subject.damaged(
                "it holds \(value.kind) and no state dict",
                remedy: "save it under a name: torch.save({\"name\": …}, path)")
        }
    }

    private mutating func visit(_ value: PickleValue) throws {
        visits -= 1
        guard visits >= 0 else { throw unfolds }
        switch value {
        case .tensor(let tensor): try add(heap.tensors[tensor])
        case .dictionary(let dictionary):
            // A key that is set again and again makes one entry, and work for each time.
            visits -= heap.dictionaries[dictionary].count
            for (key, value) in try entries(heap.dictionaries[dictionary]) { try descend(key, value) }
        case .list(let list):
            for (index, element) in heap.lists[list].enumerated() { try descend("\(index)", element) }
        case .tuple(let tuple):
            for (index, element) in heap.tuples[tuple].enumerated() { try descend("\(index)", element) }
        case .none, .bool, .integer, .otherNumber, .text, .global, .storage: break
        }
    }

    private mutating func descend(_ key: String, _ value: PickleValue) throws {
        guard path.count < Self.greatestDepth else {
            throw subject.damaged("its containers are nested more than \(Self.greatestDepth) deep")
        }
        path.append(key)
        try visit(value)
        path.removeLast()
    }

    /// A dictionary's keys as text, each once and with its last value, as Python has it.
    private func entries(
        _ pairs: [(key: PickleValue, value: PickleValue)]
    ) throws -> [(key: String, value: PickleValue)] {
        var entries: [(key: String, value: PickleValue)] = []
        var places: [Key: Int] = [:]
        for (key, value) in pairs {
            let own: Key
            switch key {
            case .text(let text): own = .text(text)
            case .integer(let number): own = .number(number)
            default:
                throw subject.damaged("a dictionary's key is \(key.kind), neither text nor a whole number")
            }
            if let place = places[own] {
                entries[place].value = value
            } else {
                places[own] = entries.count
                entries.append((own.name, value))
            }
        }
        return entries
    }

    private mutating func add(_ tensor: TorchTensor) throws {
        letters -= path.reduce(path.count) { $0 + $1.utf8.count }
        data -= tensor.byteCount
        guard letters >= 0, data >= 0 else { throw unfolds }
        let name = path.joined(separator: ".")
        guard tensors.updateValue(tensor, forKey: name) == nil else {
            throw subject.damaged("two tensors are called “\(name)” once nested keys are joined with dots")
        }
        names.append(name)
    }

    private var unfolds: StarlingError {
        subject.damaged("its containers refer to each other so often that they unfold to more than the file justifies")
    }
}
