package import Basics
package import Kernels

extension IndexedSource {
    /// What some users have in the training part, `[users × items]`; rows of others are empty.
    ///
    /// - Parameters:
    ///   - rule: what training held out; see ``SourcePasses``.
    ///   - fingerprint: ``InteractionLog/fingerprint(workers:)`` of what it must be.
    ///   - progress: called now and then on the calling thread, with interactions.
    /// - Throws: `badData` if the source is another; `interrupted` when cancelled.
    /// - Complexity: one pass. In memory are a slice a thread and these users' interactions.
    package func histories(
        of wanted: [UserRow], split rule: SplitRule?, seed: UInt64, fingerprint: String, workers: Workers,
        cancellation: Cancellation? = nil, progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws -> InteractionMatrix<UserRow, ItemRow> {
        var isWanted = [Bool](repeating: false, count: users.count)
        for user in wanted { isWanted[user.index] = true }
        let parts = try SourcePasses.parts(rule, seed, self, workers)
        let (slices, digests) = (source.slices, PassDigests(self))
        let buffers = parts.buffers(source, workers)
        let told = PassProgress(total: count, cancellation: cancellation, progress: progress)
        var found = [LogColumns](
            repeating: LogColumns(users: [], items: [], values: hasValues ? [] : nil, times: nil), count: slices.count)
        try found.withUnsafeMutableBufferPointer { found in
            try workers.forEach(slices.count) { index, worker in
                try buffers[worker].read(slices[index], of: self)
                digests.add(buffers[worker], index)
                let slice = buffers[worker].training(index)
                for place in 0..<slice.users.count where isWanted[Int(slice.users[place])] {
                    found[index].users.append(slice.users[place])
                    found[index].items.append(slice.items[place])
                    if let values = slice.values { found[index].values!.append(values[place]) }
                }
                try told.advance(by: slices[index].count, worker)
            }
        }
        told.finish()
        guard digests.fingerprint == fingerprint else { throw source.changed(0) }
        return InteractionLog(
            users: users, items: items, userRows: found.flatMap(\.users), itemRows: found.flatMap(\.items),
            values: hasValues ? found.flatMap { $0.values! } : nil, times: nil
        ).userMatrix(workers: workers)
    }
}
