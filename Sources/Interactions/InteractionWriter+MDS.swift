public import Basics
public import Formats

extension InteractionWriter {
    /// Writes a Mosaic streaming data set: columns `user` and `item` (int64 where all ids are whole numbers, str otherwise),
    /// and `rating` (float32) and `timestamp` (int64) where the log has them, in the order of the log. The folder appears
    /// whole or not at all.
    ///
    /// - Throws: `usage` for options that cannot be; `failed` if it cannot be written; `interrupted`.
    /// - Complexity: O(interactions).
    public static func writeMDS(
        _ log: InteractionLog, to folder: String, options: MDSWriter.Options = .init(),
        cancellation: Cancellation? = nil, progress: Progress? = nil
    ) throws {
        var columns = ["user": encoding(log.users.ids), "item": encoding(log.items.ids)]
        if log.values != nil { columns["rating"] = .float32 }
        if log.times != nil { columns["timestamp"] = .int64 }
        try Files.writeFolderAtomically(to: folder) { aside in
            let writer = try MDSWriter(aside, columns: columns, options: options)
            let block = 1 << 16
            for start in stride(from: 0, to: log.count, by: block) {
                if cancellation?.isCancelled == true {
                    throw StarlingError(.interrupted, "stopped while writing \(folder)")
                }
                let range = start..<min(log.count, start + block)
                if case .integers(let users) = log.users.ids, case .integers(let items) = log.items.ids {
                    var batch: [String: MDSVector] = [
                        "user": .int64(log.userRows[range].map { users[Int($0)] }),
                        "item": .int64(log.itemRows[range].map { items[Int($0)] }),
                    ]
                    if let values = log.values { batch["rating"] = .float32(Array(values[range])) }
                    if let times = log.times { batch["timestamp"] = .int64(Array(times[range])) }
                    try writer.write(batch)
                } else {
                    for index in range { try writer.write(sample(log, index)) }
                }
                progress?(range.upperBound, log.count)
            }
            try writer.finish()
        }
    }

    private static func encoding<Row>(_ ids: Vocabulary<Row>.IDs) -> MDSEncoding {
        if case .integers = ids { .int64 } else { .string }
    }

    private static func sample(_ log: InteractionLog, _ index: Int) -> [String: MDSValue] {
        func id<Row>(_ ids: Vocabulary<Row>.IDs, _ row: UInt32) -> MDSValue {
            if case .integers(let numbers) = ids { .int(numbers[Int(row)]) } else { .string(ids[Int(row)]) }
        }
        var sample = ["user": id(log.users.ids, log.userRows[index]), "item": id(log.items.ids, log.itemRows[index])]
        if let values = log.values { sample["rating"] = .float(Double(values[index])) }
        if let times = log.times { sample["timestamp"] = .int(times[index]) }
        return sample
    }
}
