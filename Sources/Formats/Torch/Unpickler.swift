import Basics

/// Reads the pickle in a file of `torch.save`: a stack machine that can build containers, numbers, text and tensors,
/// and nothing else. It executes nothing, looks up nothing, and refuses every opcode and every name that a state dict
/// has no use for.
///
/// Every opcode takes a byte and adds at most one value, so memory grows with the pickle and with nothing that the
/// pickle merely states.
///
/// Sources: CPython's `Lib/pickletools.py` for the opcodes; `torch/_weights_only_unpickler.py` (PyTorch 2.15) for those
/// that PyTorch itself expects in such files.
struct Unpickler {
    private let bytes: UnsafeRawBufferPointer
    /// The archive's storages, by key.
    let entries: [String: ZipArchive.Entry]
    let subject: Subject
    private(set) var position = 0
    private var stack: [PickleValue] = []
    /// Heights of the stack where marks stand.
    private var marks: [Int] = []
    private var memo: [UInt32: PickleValue] = [:]
    var heap = PickleHeap()

    init(_ bytes: UnsafeRawBufferPointer, storages entries: [String: ZipArchive.Entry], _ subject: Subject) {
        (self.bytes, self.entries, self.subject) = (bytes, entries, subject)
    }

    /// The one value that the pickle leaves.
    mutating func load() throws -> PickleValue {
        guard bytes.first == PickleOpcode.proto.rawValue else { throw damaged("it does not begin as a pickle does") }
        while true {
            let byte = try next()
            guard let opcode = PickleOpcode(rawValue: byte) else {
                position -= 1
                throw foreign("has \(PickleOpcode.name(ofOther: byte))")
            }
            switch opcode {
            case .proto: try readProtocol()
            case .stop:
                let value = try pop()
                guard stack.isEmpty, marks.isEmpty else { throw damaged("values are left over at its end") }
                guard position == bytes.count else { throw damaged("something follows its end") }
                return value
            case .mark: marks.append(stack.count)
            case .none: stack.append(.none)
            case .newTrue: stack.append(.bool(true))
            case .newFalse: stack.append(.bool(false))
            case .binInt: stack.append(.integer(Int(try fixed(Int32.self))))
            case .binInt1: stack.append(.integer(Int(try next())))
            case .binInt2: stack.append(.integer(Int(try fixed(UInt16.self))))
            case .long1: stack.append(Self.long(try take(Int(try next()))))
            case .binFloat:
                _ = try take(8)
                stack.append(.otherNumber)
            case .binUnicode: stack.append(.text(try text(try take(Int(try fixed(UInt32.self))))))
            case .emptyTuple: stack.append(heap.tuple([]))
            case .tuple: stack.append(heap.tuple(try popMarked()))
            case .tuple1: try tuple(of: 1)
            case .tuple2: try tuple(of: 2)
            case .tuple3: try tuple(of: 3)
            case .emptyList: stack.append(heap.emptyList())
            case .append:
                let element = try pop()
                try append([element])
            case .appends: try append(try popMarked())
            case .emptyDict: stack.append(heap.emptyDictionary())
            case .setItem:
                let value = try pop()
                let key = try pop()
                try set([key, value])
            case .setItems: try set(try popMarked())
            case .binPut: memo[UInt32(try next())] = try top()
            case .longBinPut: memo[try fixed(UInt32.self)] = try top()
            case .binGet: stack.append(try recall(UInt32(try next())))
            case .longBinGet: stack.append(try recall(try fixed(UInt32.self)))
            case .global: stack.append(.global(try global()))
            case .reduce:
                let arguments = try pop()
                let callee = try pop()
                stack.append(try call(callee, arguments))
            case .build:
                // What an OrderedDict carries beside its entries: `_metadata`, the versions of a module's parts.
                guard case .dictionary = try pop(), case .dictionary = try top() else {
                    throw foreign("sets the state of something that is no dictionary (opcode BUILD)")
                }
            case .binPersID: stack.append(try storage(try pop()))
            }
        }
    }

    // MARK: Bytes

    private mutating func next() throws -> UInt8 {
        guard position < bytes.count else { throw damaged("it ends early") }
        position += 1
        return bytes[position - 1]
    }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count <= bytes.count - position else { throw damaged("it ends early") }
        position += count
        return UnsafeRawBufferPointer(rebasing: bytes[position - count..<position])
    }

    private mutating func fixed<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
        Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    private func text(_ bytes: UnsafeRawBufferPointer) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw damaged("a text in it is not UTF-8") }
        return text
    }

    /// A whole number in two's complement, as few bytes as it takes.
    private static func long(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        guard bytes.count <= 8 else { return .otherNumber }
        var value: UInt64 = bytes.last.map { $0 >= 0x80 } ?? false ? .max : 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(Int64(bitPattern: value)))
    }

    private mutating func line() throws -> String {
        guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw damaged("it ends early") }
        let line = try text(.init(rebasing: bytes[position..<end]))
        position = end + 1
        return line
    }

    private mutating func readProtocol() throws {
        let version = try next()
        guard position == 2 else { throw damaged("a second header ends") }
        guard 2...3 ~= version else {
            throw error("it is a pickle of protocol \(version); torch.save's own is 2", remedy: Self.remedy)
        }
    }

    // MARK: Stack and memo

    private mutating func pop() throws -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw damaged("it takes a value that is not there") }
        return stack.removeLast()
    }

    private func top() throws -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw damaged("it takes a value that is not there") }
        return stack[stack.count - 1]
    }

    private mutating func popMarked() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw damaged("it takes a mark that is not there") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func recall(_ index: UInt32) throws -> PickleValue {
        guard let value = memo[index] else { throw damaged("it recalls value \(index), which it never kept") }
        return value
    }

    private mutating func tuple(of count: Int) throws {
        guard stack.count - (marks.last ?? 0) >= count else { throw damaged("it takes a value that is not there") }
        let elements = Array(stack[(stack.count - count)...])
        stack.removeLast(count)
        stack.append(heap.tuple(elements))
    }

    private mutating func append(_ elements: [PickleValue]) throws {
        guard case .list(let list) = try top() else { throw damaged("it appends to something that is no list") }
        heap.lists[list].append(contentsOf: elements)
    }

    private mutating func set(_ pairs: [PickleValue]) throws {
        guard case .dictionary(let dictionary) = try top() else {
            throw damaged("it sets an entry of something that is no dictionary")
        }
        guard pairs.count % 2 == 0 else { throw damaged("a key has no value") }
        for index in stride(from: 0, to: pairs.count, by: 2) {
            heap.dictionaries[dictionary].append((pairs[index], pairs[index + 1]))
        }
    }

    // MARK: Names and errors

    private mutating func global() throws -> TorchGlobal {
        let module = try line()
        let name = try line()
        if let global = TorchGlobal("\(module).\(name)") { return global }
        let shown = Self.shown("\(module).\(name)")
        if module == "torch", name.hasSuffix("Storage") {
            throw error("it holds tensors over a \(shown), which are not read", remedy: Self.remedy)
        }
        throw error("the file asks for \(shown), which a state dict has no use for", remedy: Self.remedy)
    }

    /// A name of the file's, fit to be printed.
    private static func shown(_ name: String) -> String {
        let printable = name.unicodeScalars.map { 0x20..<0x7F ~= $0.value ? Character($0) : "?" }
        return String(printable.prefix(100)) + (printable.count > 100 ? "…" : "")
    }

    static let remedy =
        "save parameters alone, in Python: torch.save(model.state_dict(), path); nothing of the file was executed"

    /// Something that a pickle may have, and a state dict has not.
    func foreign(_ what: String) -> StarlingError {
        error("its pickle \(what) at byte \(position), which a state dict has no use for", remedy: Self.remedy)
    }

    func damaged(_ what: String) -> StarlingError { error("its pickle is damaged: \(what) at byte \(position)") }

    func error(_ what: String, remedy: String? = nil) -> StarlingError { subject.damaged(what, remedy: remedy) }
}
