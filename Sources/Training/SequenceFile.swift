import Basics
import Formats
import Interactions

/// Users' items in the order of time as tensors: `counts` U8, the number of items of each user as varints, and `items` U32.
enum SequenceFile {
    static func tensors(_ sequences: InteractionSequences) -> [TensorSource] {
        var counts: [UInt8] = []
        for user in 0..<sequences.userCount {
            Varint.append(UInt64(sequences.offsets[user + 1] - sequences.offsets[user]), to: &counts)
        }
        return [TensorSource(name: "counts", counts), TensorSource(name: "items", sequences.items)]
    }

    /// - Throws: `failed` if the bytes are not sequences of `users` over `items`.
    static func sequences(_ file: SafeTensorsFile, users: Int, items count: Int) throws -> InteractionSequences {
        func damaged(_ what: String) -> StarlingError {
            StarlingError(.failed, "the users' sequences are damaged: \(what)", at: .init(file: file.path))
        }
        let items = try file.tensor("items").uint32s()
        if let row = items.max(), row >= count { throw damaged("item row \(row) of \(count)") }
        let counts = try file.tensor("counts")
        guard
            let offsets = counts.withUnsafeBytes({ Varint.offsets($0, rows: users, entries: items.count) })
        else { throw damaged("its counts do not add up to its items") }
        return InteractionSequences(offsets: offsets, items: items)
    }
}
