import Basics
package import Formats
package import Interactions

/// Strings as two tensors: `NAME.bytes` U8, the UTF-8 of all back to back, and `NAME.offsets` I64 `[strings + 1]`.
enum PackedStrings {
    static func tensors(_ name: String, _ texts: some Sequence<String>) -> [TensorSource] {
        var (bytes, offsets): ([UInt8], [Int64]) = ([], [0])
        for text in texts {
            bytes.append(contentsOf: text.utf8)
            offsets.append(Int64(bytes.count))
        }
        return tensors(name, bytes, offsets)
    }

    static func tensors(_ name: String, _ bytes: [UInt8], _ offsets: [Int64]) -> [TensorSource] {
        [TensorSource(name: name + ".bytes", bytes), TensorSource(name: name + ".offsets", offsets)]
    }

    /// - Throws: `failed` if the offsets do not rise from 0 to the number of bytes.
    static func read(_ name: String, of file: SafeTensorsFile) throws -> (bytes: [UInt8], offsets: [Int]) {
        let bytes = try file.tensor(name + ".bytes").bytes8()
        let offsets = try file.tensor(name + ".offsets").int64s()
        guard offsets.first == 0, offsets.last == Int64(bytes.count), zip(offsets, offsets.dropFirst()).allSatisfy(<=)
        else {
            throw StarlingError(.failed, "\(name).offsets does not fit \(name).bytes", at: .init(file: file.path))
        }
        return (bytes, offsets.map(Int.init))
    }

    static func texts(_ name: String, of file: SafeTensorsFile) throws -> [String] {
        let (bytes, offsets) = try read(name, of: file)
        return zip(offsets, offsets.dropFirst()).map { String(decoding: bytes[$0..<$1], as: UTF8.self) }
    }
}

extension Vocabulary {
    /// The vocabulary as tensors: `NAME` I64 for integer ids, ``PackedStrings`` for others.
    package func tensors(_ name: String) -> [TensorSource] {
        switch ids {
        case .integers(let ids): [TensorSource(name: name, ids)]
        case .strings(let bytes, let offsets): PackedStrings.tensors(name, bytes, offsets.map(Int64.init))
        }
    }

    /// The raw ids of a vocabulary in a file of tensors.
    package static func rawIDs(_ name: String, of file: SafeTensorsFile) throws -> [String] {
        file.contains(name)
            ? try file.tensor(name).int64s().map { "\($0)" } : try PackedStrings.texts(name, of: file)
    }

    init(_ name: String, of file: SafeTensorsFile, count: Int) throws {
        if file.contains(name) {
            self.init(.integers(try file.tensor(name).expect(shape: [count]).int64s()))
        } else {
            let (bytes, offsets) = try PackedStrings.read(name, of: file)
            guard offsets.count == count + 1 else {
                throw StarlingError(
                    .failed, "\(offsets.count - 1) \(name), the model has \(count)", at: .init(file: file.path))
            }
            self.init(.strings(bytes: bytes, offsets: offsets))
        }
    }
}
