import Factorization
import Interactions
import Kernels
import Testing

@Suite struct BlockGridTests {
    @Test(arguments: [(1, 1), (1, 40), (50, 3), (100, 70), (700, 333)])
    func everyRatingStandsOnceInItsBlock(users: Int, items: Int) {
        let log = randomRatings(users: users, items: items, density: 0.3, seed: UInt64(users + items))
        let grid = BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: 3))
        #expect(grid.ratingCount == log.count)
        #expect(Set(grid.userPlaces) == Set(0..<UInt32(users)))
        #expect(Set(grid.itemPlaces) == Set(0..<UInt32(items)))
        var found: [[UInt32]: Float] = [:]
        var userBlock: [UInt32: Int] = [:]
        var itemBlock: [UInt32: Int] = [:]
        for block in 0..<grid.side * grid.side {
            var rating = grid.ratingStarts[block]
            for run in grid.runStarts[block]..<grid.runStarts[block + 1] {
                while rating < grid.ratingStarts[block] + Int(grid.runEnds[run]) {
                    let (user, item) = (grid.runUsers[run], grid.items[rating])
                    #expect(found.updateValue(grid.values[rating], forKey: [user, item]) == nil)
                    // No user and no item stands in two rows or columns of the grid.
                    #expect(
                        userBlock.updateValue(block / grid.side, forKey: user) ?? block / grid.side == block / grid.side
                    )
                    #expect(
                        itemBlock.updateValue(block % grid.side, forKey: item) ?? block % grid.side == block % grid.side
                    )
                    rating += 1
                }
            }
            #expect(rating == grid.ratingStarts[block + 1])
        }
        for index in 0..<log.count {
            let key = [grid.userPlaces[Int(log.userRows[index])], grid.itemPlaces[Int(log.itemRows[index])]]
            #expect(found[key] == log.value(index))
        }
    }

    @Test func blocksHaveAboutEqualWork() {
        let log = randomRatings(users: 2000, items: 500, density: 0.05, seed: 5)
        let grid = BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: 2))
        let rows = (0..<grid.side).map { grid.ratingStarts[($0 + 1) * grid.side] - grid.ratingStarts[$0 * grid.side] }
        #expect(grid.side == 32)
        #expect(rows.max()! - rows.min()! <= rows.max()! / 50)
    }

    @Test func theGridDoesNotDependOnThreads() {
        let log = randomRatings(users: 300, items: 90, density: 0.2, seed: 9)
        let grids = [1, 2, 7].map { BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: $0)) }
        for grid in grids.dropFirst() {
            #expect(grid.ratingStarts == grids[0].ratingStarts && grid.runStarts == grids[0].runStarts)
            #expect((0..<log.count).allSatisfy { grid.items[$0] == grids[0].items[$0] })
            #expect((0..<log.count).allSatisfy { grid.values[$0] == grids[0].values[$0] })
        }
    }
}
