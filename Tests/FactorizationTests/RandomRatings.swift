import Interactions
import Kernels

/// Small random rating sets for tests: each pair at most once, values with some structure.
func randomRatings(users: Int, items: Int, density: Double, seed: UInt64) -> InteractionLog {
    var random = RandomStream(seed: seed, .test)
    var (userRows, itemRows, values): ([UInt32], [UInt32], [Float]) = ([], [], [])
    let taste = (0..<users).map { _ in random.normal() }
    let kind = (0..<items).map { _ in random.normal() }
    for user in 0..<users {
        for item in 0..<items where random.uniform() < density {
            userRows.append(UInt32(user))
            itemRows.append(UInt32(item))
            values.append(Float(3 + taste[user] * kind[item] + 0.3 * random.normal()))
        }
    }
    return InteractionLog(
        users: Vocabulary(.integers((0..<users).map { Int64($0) })),
        items: Vocabulary(.integers((0..<items).map { Int64($0) })), userRows: userRows, itemRows: itemRows,
        values: values, times: nil)
}
