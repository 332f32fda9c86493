import Basics
import Formats
import Testing

/// Pickles that nobody's `torch.save` wrote.
@Suite struct UnpicklerTests {
    /// A file with that pickle and one storage “0” of 16 bytes.
    private func file(_ pickle: [UInt8]) throws -> PTHFile {
        let zip = StoredZip([.init("x/data.pkl", [0x80, 2] + pickle), .init("x/data/0", Array(0..<16))])
        return try PTHFile(bytes: zip.bytes, name: "x")
    }

    private func refuse(_ words: String, _ pickle: [UInt8], _ location: SourceLocation = #_sourceLocation) {
        expectError(words, location) { _ = try file(pickle) }
    }

    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "eval"), ("builtins", "exec"),
        ("subprocess", "Popen"), ("collections", "Counter"), ("torch", "load"), ("torch._utils", "_rebuild_tensor"),
        ("numpy.core.multiarray", "scalar"), ("torch", "tensor"),
        ("collections", "OrderedDict.fromkeys"), ("", ""), ("torch.storage", "_load_from_bytes"),
    ])
    func refusesNames(module: String, name: String) {
        let call = global(module, name) + text("ls") + [0x85] + "R.".utf8
        refuse("the file asks for \(module).\(name), which a state dict has no use for", call)
        // Also where it is only mentioned, and never called.
        refuse("asks for \(module).\(name)", dict([("w", tensor()), ("f", global(module, name))]))
    }

    @Test func aNameCannotForgeTheMessage() {
        refuse("asks for o?[2Js?.x??, which", global("o\u{1B}[2Js\r", "x\u{202E}é") + ".".utf8)
        refuse("a text in it is not UTF-8", [0x63, 0xFF, 0x0A, 0x0A] + ".".utf8)
        refuse(String(repeating: "a", count: 98) + "…", global("", String(repeating: "a", count: 5000)) + ".".utf8)
    }

    @Test(
        arguments: [
            (0x81, "NEWOBJ"), (0x92, "NEWOBJ_EX"), (0x93, "STACK_GLOBAL"), (0x69, "INST"), (0x6F, "OBJ"),
            (0x82, "EXT1"),
            (0x84, "EXT4"), (0x50, "PERSID"), (0x8B, "LONG4"), (0x42, "BINBYTES"), (0x8E, "BINBYTES8"),
            (0x53, "STRING"),
            (0x8F, "EMPTY_SET"), (0x95, "FRAME"), (0x94, "MEMOIZE"), (0x32, "DUP"), (0x30, "POP"),
            (0x98, "READONLY_BUFFER"),
        ] as [(UInt8, String)])
    func refusesOpcodes(byte: UInt8, name: String) {
        refuse(
            "has opcode \(name) at byte 3, which a state dict has no use for", Array("}".utf8) + [byte] + ".".utf8)
    }

    @Test func refusesCallsOfHarmlessNames() {
        let one: [UInt8] = [0x4B, 1]
        refuse("calls collections.OrderedDict with arguments", orderedDict(one + [0x85]))
        refuse("calls torch.FloatStorage with arguments", global("torch", "FloatStorage") + one + [0x85] + "R.".utf8)
        refuse("calls torch.float32 with arguments", global("torch", "float32") + ")R.".utf8)
        refuse("calls torch.Size with arguments", global("torch", "Size") + one + [0x85] + "R.".utf8)
        refuse("calls torch._utils._rebuild_tensor_v2 with", global("torch._utils", "_rebuild_tensor_v2") + ")R.".utf8)
        refuse(
            "calls torch._utils._rebuild_parameter with",
            global("torch._utils", "_rebuild_parameter") + one + one + one + [0x87] + "R.".utf8)
        // A tensor with attributes, whose function is not one that makes tensors.
        let rebuild = global("torch._tensor", "_rebuild_from_type_v2")
        let type = global("torch", "Tensor")
        refuse(
            "calls torch._tensor._rebuild_from_type_v2 with",
            rebuild + "(".utf8 + global("torch", "Size") + type + ")}tR.".utf8)
        refuse("calls torch._tensor._rebuild_from_type_v2 with", rebuild + "(".utf8 + rebuild + type + ")}tR.".utf8)
        refuse("calls torch.Tensor with", type + ")R.".utf8)
        refuse("calls a dictionary with a tuple", Array("})R.".utf8))
        refuse("calls torch.Size with a dictionary", global("torch", "Size") + "}R.".utf8)
        refuse("sets the state of something", Array("]}b.".utf8))
        refuse("sets the state of something", global("torch", "Size") + "}b.".utf8)
        refuse("refers to something that is no storage", text("storage") + "Q.".utf8)
        refuse("refers to something that is no storage", Array("(tQ.".utf8))
        refuse(
            "refers to something that is no storage",
            storage(kind: "module") + ".".utf8)
    }

    @Test func refusesBrokenPrograms() {
        refuse("takes a value that is not there", Array(".".utf8))
        refuse("takes a value that is not there", Array("}s.".utf8))
        refuse("takes a value that is not there", Array("}(s.".utf8))
        refuse("takes a value that is not there", Array("}(".utf8) + [0x85] + "u.".utf8)
        refuse("takes a mark that is not there", Array("}u.".utf8))
        refuse("a key has no value", Array("}(".utf8) + text("w") + "u.".utf8)
        refuse("sets an entry of something that is no dictionary", Array("](NNu.".utf8))
        refuse("appends to something that is no list", Array("}Na.".utf8))
        refuse("values are left over", Array("}}.".utf8))
        refuse("values are left over", Array("(}.".utf8))
        refuse("something follows its end", Array("}.}".utf8))
        refuse("it ends early", Array("}".utf8))
        refuse("recalls value 7, which it never kept", Array("h".utf8) + [7] + ".".utf8)
        refuse("key is None", Array("}NNs.".utf8))
        refuse("holds a storage and no state dict", storage() + ".".utf8)
        refuse("a second header", Array("}".utf8) + [0x80, 2] + ".".utf8)
        refuse(
            "two tensors are called “a.b”", dict([("a.b", tensor()), ("a", dict([("b", tensor())], isWhole: false))]))
        expectError("does not begin as a pickle does") {
            _ = try PTHFile(bytes: StoredZip([.init("x/data.pkl", Array("}.".utf8))]).bytes, name: "x")
        }
    }

    /// Lengths that the file does not have.
    @Test func lengthsAreNotBelieved() throws {
        refuse("it ends early", [0x58, 0xFF, 0xFF, 0xFF, 0xFF] + "ab.".utf8)
        refuse("it ends early", [0x8A, 0xFF] + [UInt8](repeating: 1, count: 20))
        refuse("it ends early", Array("cos".utf8))
        refuse("it ends early", [0x4A, 1, 2])
        refuse("it ends early", [0x47, 1, 2])
        // The greatest number of a memo takes no more memory than any other.
        #expect(try file(Array("}r".utf8) + [0xFF, 0xFF, 0xFF, 0xFF] + ".".utf8).names == [])
        // A long integer that no Int holds is a number like others, but no size.
        let long: [UInt8] = [0x8A, 255] + [UInt8](repeating: 0x7F, count: 255)
        #expect(try file(dict([("seed", long), ("w", tensor())])).names == ["w"])
        refuse("something that is no whole number of 0 or more", dict([("w", tensor(shape: long))]))
        #expect(try file(dict([("w", tensor(shape: [0x8A, 1, 2]))])).tensor("w").shape == [2])
        refuse("no whole number of 0 or more", dict([("w", tensor(shape: [0x8A, 1, 0xFF]))]))
        refuse("is said to hold -1 elements", storage(count: [0x8A, 1, 0xFF]) + ".".utf8)
    }

    @Test func nestingHasABound() throws {
        let depth = 200_000
        // Tuples within tuples, lists within lists, dictionaries within dictionaries.
        refuse("nested more than 100 deep", Array(")".utf8) + [UInt8](repeating: 0x85, count: depth) + ".".utf8)
        refuse(
            "nested more than 100 deep",
            [UInt8](repeating: 0x5D, count: depth) + [UInt8](repeating: 0x61, count: depth - 1) + ".".utf8)
        refuse("values are left over", [UInt8](repeating: 0x28, count: depth) + "}.".utf8)
        let nested = (0..<99).reduce(dict([("w", tensor())], isWhole: false)) { inner, _ in
            dict([("d", inner)], isWhole: false)
        }
        #expect(try file(nested + ".".utf8).names[0].hasPrefix("d.d.d."))
        refuse("nested more than 100 deep", dict([("d", nested)]))
    }

    /// Few bytes that stand for very much, once what they refer to is written out.
    @Test func referencesHaveABound() {
        func recall(_ number: UInt8) -> [UInt8] { [0x68, number] }
        func keep(_ number: UInt8) -> [UInt8] { [0x71, number] }
        let words = "unfold to more than the file justifies"
        // A list of ten times a list of ten times …
        var lists = Array("(]".utf8) + keep(0)
        for level in 0..<50 as Range<UInt8> {
            lists += "](".utf8 + (0..<10).flatMap { _ in recall(level) } + "e".utf8 + keep(level + 1)
        }
        refuse(words, lists + "t.".utf8)
        // A list and a dictionary that hold themselves.
        refuse(words, Array("]".utf8) + keep(0) + recall(0) + "a.".utf8)
        refuse(words, Array("}".utf8) + keep(0) + text("d") + recall(0) + "s.".utf8)
        refuse(words, Array("]".utf8) + keep(0) + "(".utf8 + recall(0) + recall(0) + recall(0) + "e.".utf8)
        // One tensor ten thousand times under a name of ten thousand letters.
        let name = text(String(repeating: "n", count: 10_000))
        let list = Array("](".utf8) + tensor() + keep(2) + (0..<10_000).flatMap { _ in recall(2) } + "e".utf8
        refuse(words, Array("}".utf8) + name + list + "s.".utf8)
        // A dictionary whose one key is set again and again, in many places.
        let pairs = (0..<5000).flatMap { _ in recall(1) + "N".utf8 }
        let dictionary = Array("}".utf8) + keep(2) + "(".utf8 + pairs + "u".utf8
        refuse(
            words,
            Array("](".utf8) + text("k") + keep(1) + dictionary + (0..<5000).flatMap { _ in recall(2) } + "e.".utf8)
    }

    @Test func tensorsStayWithinTheirStorage() throws {
        #expect(try file(dict([("w", tensor())])).tensor("w").withUnsafeBytes { Array($0) } == Array(0..<16))
        let huge: [UInt8] = [0x8A, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        func number(_ value: UInt8) -> [UInt8] { [0x4B, value] }
        refuse("goes beyond its storage of 4 elements", dict([("w", tensor(offset: number(1)))]))
        refuse("goes beyond its storage of 4 elements", dict([("w", tensor(shape: number(5)))]))
        refuse("goes beyond its storage of 4 elements", dict([("w", tensor(shape: number(3), stride: number(2)))]))
        refuse("too large to be true", dict([("w", tensor(shape: huge))]))
        refuse("strides [9223372036854775807] are too large", dict([("w", tensor(shape: number(3), stride: huge))]))
        refuse("strides [1] are too large", dict([("w", tensor(offset: huge))]))
        refuse("offset is no whole number", dict([("w", tensor(offset: Array("N".utf8)))]))
        refuse("offset, shape and strides disagree", dict([("w", tensor(offset: [0x4A, 0xFF, 0xFF, 0xFF, 0xFF]))]))
        refuse("is said to hold 5 elements of 4 bytes, and has 16 bytes", dict([("w", tensor(count: number(5)))]))
        refuse("is said to hold 3 elements of 4 bytes", dict([("w", tensor(count: number(3)))]))
        refuse("is said to hold 9223372036854775807 elements", dict([("w", tensor(count: huge))]))
        // An expanded tensor: 1024 times the storage and no more.
        let most = try file(dict([("w", tensor(shape: [0x4D, 0, 0x10], stride: number(0)))])).tensor("w")
        #expect(most.count == 4096 && most.withUnsafeBytes { $0.allSatisfy { $0 < 4 } })
        refuse(
            "repeats 4 elements more than 1024 times",
            dict([("w", tensor(shape: [0x4A, 0, 0, 0, 0x10], stride: number(0)))]))
        // No elements: nothing to go beyond.
        #expect(try file(dict([("w", tensor(shape: number(0), offset: huge))])).tensor("w").count == 0)
        let axes = Array("(".utf8) + (0..<65).flatMap { _ in number(1) } + "t".utf8
        refuse("a tensor of 65 axes", dict([("w", tensor(shape: axes, isTuple: true))]))
    }

    // MARK: Pickles by hand

    private func text(_ text: String) -> [UInt8] {
        let count = text.utf8.count
        return [0x58, UInt8(count & 0xFF), UInt8(count >> 8), 0, 0] + text.utf8
    }

    private func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    private func orderedDict(_ arguments: [UInt8]) -> [UInt8] {
        global("collections", "OrderedDict") + arguments + "R.".utf8
    }

    private func dict(_ entries: [(String, [UInt8])], isWhole: Bool = true) -> [UInt8] {
        Array("}(".utf8) + entries.flatMap { text($0.0) + $0.1 } + Array((isWhole ? "u." : "u").utf8)
    }

    private func storage(kind: String = "storage", count: [UInt8] = [0x4B, 4]) -> [UInt8] {
        Array("(".utf8) + text(kind) + global("torch", "FloatStorage") + text("0") + text("cpu") + count + "tQ".utf8
    }

    /// A vector of float32 over storage “0”.
    private func tensor(
        shape: [UInt8] = [0x4B, 4], stride: [UInt8] = [0x4B, 1], offset: [UInt8] = [0x4B, 0],
        count: [UInt8] = [0x4B, 4], isTuple: Bool = false
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2") + "(".utf8 + storage(count: count) + offset
            + (isTuple ? shape : shape + [0x85]) + stride + [0x85, 0x89] + "}tR".utf8
    }
}
