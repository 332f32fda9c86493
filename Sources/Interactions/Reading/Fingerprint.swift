import Basics
import Formats
public import Kernels

extension InteractionLog {
    /// SHA-256 over vocabularies and columns: 64 hexadecimal digits that two logs share only if they hold the same
    /// interactions in the same order. By it a resumed run notices other data. Columns are hashed in slices of 2²⁰ rows, in parallel, and the slices' digests
    /// once more, so that the result does not depend on the number of threads.
    ///
    /// - Complexity: O(interactions + bytes of ids); about a second for a gigabyte and a thread.
    public func fingerprint(workers: Workers) -> String { fingerprint(sliceSize: PassableSource.sliceSize, workers) }

    /// The same with slices of another size, which makes another digest.
    package func fingerprint(sliceSize: Int, _ workers: Workers) -> String {
        let slices = LineGrid.cuts(0..<count, size: sliceSize)
        func digests<Element: BitwiseCopyable>(_ column: [Element]) -> [String] {
            var digests = [String](repeating: "", count: slices.count)
            column.withUnsafeBufferPointer { column in
                digests.withUnsafeMutableBufferPointer { digests in
                    workers.forEach(slices.count) { slice, _ in
                        digests[slice] = LogDigest.digest(UnsafeBufferPointer(rebasing: column[slices[slice]]))
                    }
                }
            }
            return digests
        }
        return LogDigest(
            users: digests(userRows), items: digests(itemRows), values: values.map(digests), times: times.map(digests)
        ).hex(count, users, items)
    }
}

/// Digests of the slices of a log's columns.
struct LogDigest {
    var users, items: [String]
    var values, times: [String]?

    static func digest(_ slice: UnsafeBufferPointer<some BitwiseCopyable>) -> String {
        var digest = Digest()
        digest.update(UnsafeRawBufferPointer(slice))
        return digest.hex()
    }

    /// ``InteractionLog/fingerprint(workers:)`` of the log that has these columns.
    func hex(_ count: Int, _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>) -> String {
        var digest = Digest()
        digest.update("starling interactions 1 \(count)\n")
        Self.add(users.ids, to: &digest)
        Self.add(items.ids, to: &digest)
        for (name, slices) in [("users", self.users), ("items", self.items), ("values", values), ("times", times)] {
            guard let slices else { continue }
            digest.update(name + "\n")
            for slice in slices { digest.update(slice) }
        }
        return digest.hex()
    }

    private static func add<Row>(_ ids: Vocabulary<Row>.IDs, to digest: inout Digest) {
        switch ids {
        case .integers(let integers):
            digest.update("integers \(integers.count)\n")
            integers.withUnsafeBytes { digest.update($0) }
        case .strings(let bytes, let offsets):
            digest.update("strings \(offsets.count - 1)\n")
            offsets.withUnsafeBytes { digest.update($0) }
            bytes.withUnsafeBytes { digest.update($0) }
        }
    }
}
