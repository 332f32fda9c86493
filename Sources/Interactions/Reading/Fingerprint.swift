import Basics
public import Kernels

extension InteractionLog {
    /// SHA-256 over vocabularies and columns: 64 hexadecimal digits that two logs share only if they hold the same
    /// interactions in the same order. By it a resumed run notices other data. Columns are hashed in slices of 2²⁰ rows, in parallel, and the slices' digests
    /// once more, so that the result does not depend on the number of threads.
    ///
    /// - Complexity: O(interactions + bytes of ids); about a second for a gigabyte and a thread.
    public func fingerprint(workers: Workers) -> String {
        var digest = Digest()
        digest.update("starling interactions 1 \(count)\n")
        Self.add(users.ids, to: &digest)
        Self.add(items.ids, to: &digest)
        add(userRows, "users", to: &digest, workers)
        add(itemRows, "items", to: &digest, workers)
        if let values { add(values, "values", to: &digest, workers) }
        if let times { add(times, "times", to: &digest, workers) }
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

    private func add<Element: BitwiseCopyable>(
        _ column: [Element], _ name: String, to digest: inout Digest, _ workers: Workers
    ) {
        let size = 1 << 20
        let slices = (column.count + size - 1) / size
        var digests = [String](repeating: "", count: slices)
        column.withUnsafeBufferPointer { column in
            digests.withUnsafeMutableBufferPointer { digests in
                workers.forEach(slices) { slice, _ in
                    var digest = Digest()
                    let range = slice * size..<min(column.count, (slice + 1) * size)
                    digest.update(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: column[range])))
                    digests[slice] = digest.hex()
                }
            }
        }
        digest.update(name + "\n")
        for slice in digests { digest.update(slice) }
    }
}
