import CKernels
import Factorization
import Interactions
import Kernels
import Testing

@Suite struct BlockGridTests {
    @Test(arguments: [(1, 1), (1, 40), (50, 3), (100, 70), (700, 333)])
    func everyRatingStandsOnceInItsBlock(users: Int, items: Int) throws {
        let log = randomRatings(users: users, items: items, density: 0.3, seed: UInt64(users + items))
        let grid = try BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: 3))
        #expect(grid.ratingCount == log.count)
        #expect(Set(grid.places.users) == Set(0..<UInt32(users)))
        #expect(Set(grid.places.items) == Set(0..<UInt32(items)))
        var found: [[UInt32]: Float] = [:]
        var userBlock: [UInt32: Int] = [:]
        var itemBlock: [UInt32: Int] = [:]
        for block in 0..<grid.side * grid.side {
            let (row, column) = (block / grid.side, block % grid.side)
            let ratings = grid.userBlocks[row]
            var count = 0
            for group in groups(ratings, itemBlock: column) {
                count += group.items.count
                #expect(Set(group.items).count == group.items.count)
                // No user and no item stands in two rows or columns of the grid.
                #expect(userBlock.updateValue(row, forKey: group.user) ?? row == row)
                for (item, value) in zip(group.items, group.values) {
                    #expect(found.updateValue(value, forKey: [group.user, item]) == nil)
                    #expect(itemBlock.updateValue(column, forKey: item) ?? column == column)
                }
            }
            #expect(count == grid.ratingCounts[block])
        }
        for index in 0..<log.count {
            let key = [grid.places.users[Int(log.userRows[index])], grid.places.items[Int(log.itemRows[index])]]
            #expect(found[key] == log.value(index))
        }
    }

    @Test func blocksHaveAboutEqualWork() throws {
        let log = randomRatings(users: 2000, items: 500, density: 0.05, seed: 5)
        let grid = try BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: 2))
        let rows = (0..<grid.side).map { row in grid.ratingCounts[row * grid.side..<(row + 1) * grid.side].reduce(0, +)
        }
        #expect(grid.side == 16)
        #expect(rows.max()! - rows.min()! <= rows.max()! / 50)
    }

    @Test func theGridDoesNotDependOnThreads() throws {
        let log = randomRatings(users: 300, items: 90, density: 0.2, seed: 9)
        let grids = try [1, 2, 7].map { try BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: $0)) }
        for grid in grids.dropFirst() {
            for (block, other) in zip(grid.userBlocks, grids[0].userBlocks) {
                #expect(block.users == other.users && block.items == other.items && block.values == other.values)
            }
        }
    }

    /// A group waits exactly where it has something in common with the one before it in its row of groups.
    @Test(arguments: [1, 2, 3]) func groupsWaitForWhatTheyShare(seed: UInt64) throws {
        let log = randomRatings(users: 150, items: 60, density: 0.5, seed: seed)
        let grid = try BlockGrid(log.userMatrix(), factors: 8, workers: Workers(threads: 2))
        var waiting = 0
        for block in grid.userBlocks {
            for column in 0..<grid.side {
                for (group, next) in zip(groups(block, itemBlock: column), groups(block, itemBlock: column).dropFirst())
                where group.items.count == next.items.count && group.piece == next.piece {
                    let shares = group.user == next.user || !Set(group.items).isDisjoint(with: next.items)
                    #expect(next.waits == shares)
                    if shares { waiting += 1 }
                }
            }
        }
        #expect(waiting > 0)
    }

    @Test func aRepeatedPairStandsInTwoGroups() throws {
        let history = InteractionMatrix<UserRow, ItemRow>(
            offsets: [0, 7], columns: [0, 1, 1, 1, 2, 3, 4], values: [1, 2, 3, 4, 5, 6, 7], columnCount: 5)
        let grid = try BlockGrid(history, factors: 8, workers: Workers(threads: 1))
        let found = groups(grid.userBlocks[0], itemBlock: 0)
        #expect(found.flatMap(\.values).sorted() == [1, 2, 3, 4, 5, 6, 7])
        #expect(found.map(\.values.count) == [4, 2, 1])
        #expect(found.allSatisfy { Set($0.items).count == $0.items.count })
    }
}

private struct Group {
    var piece: Int
    var user: UInt32
    var waits: Bool
    var items: ArraySlice<UInt32>, values: ArraySlice<Float>
}

private func groups(_ block: BlockRatings, itemBlock: Int) -> [Group] {
    var found: [Group] = []
    for (number, piece) in block.pieces(itemBlock: itemBlock).enumerated() {
        var (group, rating) = (piece.firstGroup, piece.firstRating)
        for (index, size) in [4, 3, 2, 1].enumerated() {
            for _ in 0..<piece.groups[index] {
                found.append(
                    Group(
                        piece: number, user: block.users[group] & ~SK_SGD_WAITS,
                        waits: block.users[group] & SK_SGD_WAITS != 0,
                        items: block.items[rating..<rating + size], values: block.values[rating..<rating + size]))
                group += 1
                rating += size
            }
        }
    }
    return found
}
