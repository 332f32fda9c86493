import Basics
import Interactions
import Kernels
import Synchronization

extension BlockGrid {
    /// The grid of histories that are gone through once more, the same as that of ``init(_:factors:ranks:workers:)``, and the mean
    /// of their values.
    ///
    /// - Parameter progress: ratings dealt, then ratings built; called by one thread at a time.
    /// - Throws: what the pass throws; `failed` if the disk has no room; `interrupted`.
    static func dealing(
        _ passes: any HistoryPasses, factors: Int, scratch: GridScratch, workers: Workers,
        cancellation: Cancellation?, progress: ((_ step: GridStep, _ done: Int, _ total: Int) -> Void)?
    ) throws -> (grid: BlockGrid, mean: Float) {
        let places = GridPlaces(
            activity: passes.activity, audience: passes.audience, ratings: passes.entryCount, factors: factors)
        let dealt = try DealtRatings(
            passes, places, in: scratch.folder, workers: workers, cancellation: cancellation,
            progress: { progress?(.dealing, $0, $1) },
            reserve: { try scratch.check(bytes: $0, free: Files.freeBytes(scratch.folder)) })
        let (side, userOrder, total) = (places.side, places.userOrder, passes.entryCount)
        let file: BlockFile? =
            if case .disk(let buffers) = scratch.place {
                try BlockFile(places, readAhead: readAhead(buffers), in: scratch.folder)
            } else { nil }
        let builders = builders(total, side: side, scratch.place, workers: workers.count)
        let done = Mutex(0)
        var blocks = [BlockRatings](repeating: BlockRatings(side: side), count: side)
        var counts = [Int](repeating: 0, count: side * side)
        var sums = [Double](repeating: 0, count: passes.userCount)
        try blocks.withUnsafeMutableBufferPointer { blocks in
            try counts.withUnsafeMutableBufferPointer { counts in
                try sums.withUnsafeMutableBufferPointer { sums in
                    try workers.forEach(builders) { builder, _ in
                        for block in stride(from: builder, to: side, by: builders) {
                            if cancellation?.isCancelled ?? false {
                                throw StarlingError(.interrupted, "stopped while building blocks")
                            }
                            let users = places.userStarts[block]..<places.userStarts[block + 1]
                            let ratings = try ratings(
                                of: dealt, block, users: userOrder[users], places: places, sums: sums)
                            for (itemBlock, count) in ratings.ratingCounts.enumerated() {
                                counts[block * side + itemBlock] = count
                            }
                            if let file { try file.add(ratings, userBlock: block) } else { blocks[block] = ratings }
                            done.withLock {
                                $0 += ratings.values.count
                                progress?(.building, $0, total)
                            }
                        }
                    }
                }
            }
        }
        return (
            BlockGrid(places: places, userBlocks: blocks, file: file, ratingCounts: counts),
            FactorParameters.mean(sums: sums, count: total)
        )
    }

    /// Builds a user block, and adds up the values of each of its users, at the user's row.
    private static func ratings(
        of dealt: DealtRatings, _ block: Int, users: ArraySlice<UserRow>, places: GridPlaces,
        sums: UnsafeMutableBufferPointer<Double>
    ) throws -> BlockRatings {
        let histories = try dealt.takeHistories(userBlock: block)
        for (number, row) in users.enumerated() {
            sums[row.index] = FactorParameters.sum(histories.values(UserRow(number))!)
        }
        return BlockRatings(
            histories, users: (0..<users.count).map { UserRow($0) }[...], firstPlace: users.startIndex, places: places)
    }

    /// Bytes of blocks read ahead, of so many that may be taken: more do not help any more.
    static func readAhead(_ buffers: Int) -> Int { min(buffers, 32 << 20) }

    /// User blocks that are built at the same time.
    static func builders(_ ratings: Int, side: Int, _ place: GridScratch.Place, workers: Int) -> Int {
        guard case .disk(let buffers) = place else { return min(workers, side) }
        return max(1, min(workers, side, buffers / max(1, buildBytes(ratings, side: side))))
    }

    /// Memory that building one user block takes, as measured: its columns twice while they are sorted, and room to sort.
    static func buildBytes(_ ratings: Int, side: Int) -> Int { 26 * ratings / side }
}
