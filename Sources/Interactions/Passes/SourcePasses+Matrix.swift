package import Basics
package import Kernels

extension SourcePasses {
    /// Users' histories in memory, `[users × items]`: what ``InteractionLog/userMatrix(workers:)`` makes of the log, without
    /// the log. One more pass over the source.
    ///
    /// - Throws: `badData` if the source has changed; `interrupted` when cancelled.
    /// - Complexity: O(interactions + users + items). Beyond the result, at most 2 bytes an interaction.
    package func userMatrix(
        workers: Workers, cancellation: Cancellation? = nil, progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws -> InteractionMatrix<UserRow, ItemRow> {
        let placement = RowPlacement(counts: groupCounts, rows: userCount)
        let offsets = placement.place()
        var (columns, values) = (
            LogColumns.unset(entryCount) as [UInt32],
            hasValues ? LogColumns.unset(entryCount) as [Float] : nil
        )
        let told = PassProgress(total: indexed.count, cancellation: cancellation, progress: progress)
        let slices = indexed.source.slices
        let buffers = parts.buffers(indexed.source, workers)
        try MatrixPointers.with(&columns, &values) { target in
            try workers.forEach(groups.count - 1) { group, worker in
                let next = placement[group]
                for index in groups[group]..<groups[group + 1] {
                    try buffers[worker].read(slices[index], of: indexed)
                    let slice = buffers[worker].training(index)
                    for entry in 0..<slice.users.count {
                        let user = Int(slice.users[entry])
                        let place = Int(next[user])
                        // Another slice than the one that was counted must not write behind the end.
                        guard place < offsets[userCount] else { throw indexed.source.changed(0) }
                        next[user] += 1
                        target.columns[place] = slice.items[entry]
                        if let values = slice.values { target.values![place] = values[entry] }
                    }
                    try told.advance(by: slices[index].count, worker)
                }
            }
            told.finish()
            RowSorter.sort(target, offsets, columnCount: itemCount, workers)
        }
        return InteractionMatrix(offsets: offsets, columns: columns, values: values, columnCount: itemCount)
    }
}
