import Basics

extension Unpickler {
    /// What a call of one of the known names gives.
    mutating func call(_ callee: PickleValue, _ arguments: PickleValue) throws -> PickleValue {
        guard case .global(let global) = callee, case .tuple(let tuple) = arguments else {
            throw foreign("calls \(callee.kind) with \(arguments.kind)")
        }
        let arguments = heap.tuples[tuple]
        switch global.meaning {
        case .orderedDict where arguments.isEmpty: return heap.emptyDictionary()
        case .size where arguments.count == 1:
            if case .tuple = arguments[0] { return arguments[0] }
        case .rebuildParameter where arguments.count == 3:
            if case .tensor = arguments[0] { return arguments[0] }
        case .rebuildFromType where arguments.count == 4:
            // A tensor with Python attributes, such as a buffer. Its function must be one that makes a tensor itself.
            guard case .global(let function) = arguments[0], case .global(let type) = arguments[1],
                case .tensorClass = type.meaning
            else { break }
            switch function.meaning {
            case .rebuildTensor2, .rebuildTensor3, .rebuildParameter: return try call(arguments[0], arguments[2])
            default: break
            }
        case .rebuildTensor2 where 6...7 ~= arguments.count:
            guard case .storage(let storage) = arguments[0] else { break }
            guard let type = heap.storages[storage].elementType else {
                throw damaged("a tensor lies over a storage without an element type")
            }
            try checkBits(arguments.dropFirst(6).first)
            return try tensor(storage, type, arguments)
        case .rebuildTensor3 where 7...8 ~= arguments.count:
            guard case .storage(let storage) = arguments[0], case .global(let global) = arguments[6],
                case .elementType(let type) = global.meaning
            else { break }
            try checkBits(arguments.dropFirst(7).first)
            return try tensor(storage, type, arguments)
        default: break
        }
        throw foreign("calls \(global.name) with arguments that it does not take")
    }

    /// A tensor's bits that PyTorch applies when it reads: conjugation and negation.
    private func checkBits(_ metadata: PickleValue?) throws {
        guard case .dictionary(let dictionary) = metadata ?? .none else { return }
        for entry in heap.dictionaries[dictionary] {
            guard case .bool(false) = entry.value else {
                throw error(
                    "it holds a tensor that is conjugated or negated in place",
                    remedy: "save tensor.resolve_conj().resolve_neg()"
                )
            }
        }
    }

    /// A tensor of the storage, of offset, sizes and strides in arguments 1 to 3.
    private mutating func tensor(
        _ storage: Int, _ type: ElementType, _ arguments: [PickleValue]
    ) throws -> PickleValue {
        guard case .integer(let offset) = arguments[1] else { throw damaged("a tensor's offset is no whole number") }
        let tensor = TorchTensor(
            storage: heap.storages[storage], elementType: type, offset: offset,
            shape: try extents(arguments[2]), strides: try extents(arguments[3]))
        if let flaw = tensor.flaw { throw damaged(flaw) }
        heap.tensors.append(tensor)
        return .tensor(heap.tensors.count - 1)
    }

    private func extents(_ value: PickleValue) throws -> [Int] {
        guard case .tuple(let tuple) = value else { throw damaged("a tensor's shape is no tuple") }
        let elements = heap.tuples[tuple]
        guard elements.count <= TorchTensor.greatestRank else {
            throw damaged("a tensor of \(elements.count) axes has more than PyTorch's \(TorchTensor.greatestRank)")
        }
        return try elements.map {
            guard case .integer(let extent) = $0, extent >= 0 else {
                throw damaged("a tensor's shape or strides hold something that is no whole number of 0 or more")
            }
            return extent
        }
    }

    /// The storage that a persistent id names: `('storage', class, key, device, elements)`.
    mutating func storage(_ id: PickleValue) throws -> PickleValue {
        guard case .tuple(let tuple) = id else { throw foreign("refers to something that is no storage") }
        let parts = heap.tuples[tuple]
        guard parts.count == 5, case .text("storage") = parts[0], case .global(let global) = parts[1],
            case .storage(let type) = global.meaning, case .text(let key) = parts[2], case .text = parts[3],
            case .integer(let count) = parts[4]
        else { throw foreign("refers to something that is no storage") }
        guard let entry = entries[key] else {
            throw error("storage “\(key)” is not in the archive: the file is damaged, or was not saved whole")
        }
        let size = type?.size ?? 1
        guard count >= 0, count.multipliedReportingOverflow(by: size) == (entry.size, false) else {
            throw error(
                "storage “\(key)” is said to hold \(count) elements of \(size) bytes, and has \(entry.size) bytes")
        }
        heap.storages.append(TorchStorage(entry: entry, elementType: type))
        return .storage(heap.storages.count - 1)
    }
}
