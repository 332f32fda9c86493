public import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension SyntheticRatings {
    /// Draws the ratings: user by user, each user's in the order of their times, which rise.
    ///
    /// Times are seconds since 1970: a user begins at some moment of the years 2005 to 2014, rates every 20 seconds or
    /// so, and pauses for days after 25 ratings on average.
    public func log(workers: Workers = Workers()) -> InteractionLog {
        let counts = activity()
        let starts = counts.reduce(into: [0]) { $0.append($0.last! + $1) }
        let draw = ItemDraw(weights: popularity(), first: firstRaters(starts))
        var userRows = [UInt32](repeating: 0, count: interactions)
        var itemRows = userRows
        var values = [Float](repeating: 0, count: interactions)
        var times = [Int64](repeating: 0, count: interactions)
        userRows.withUnsafeMutableBufferPointer { userRows in
            itemRows.withUnsafeMutableBufferPointer { itemRows in
                values.withUnsafeMutableBufferPointer { values in
                    times.withUnsafeMutableBufferPointer { times in
                        let scratch = (0..<workers.count).map { _ in draw.scratch() }
                        let blockSize = 64
                        workers.forEach((users + blockSize - 1) / blockSize) { block, worker in
                            for user in block * blockSize..<min(users, (block + 1) * blockSize) {
                                var stream = GeneratorStream.ratings.stream(seed, user)
                                let range = starts[user]..<starts[user + 1]
                                let own = UnsafeMutableBufferPointer(rebasing: itemRows[range])
                                draw.choose(into: own, user, &stream, scratch[worker])
                                var time = Self.firstTime(&stream)
                                for index in range {
                                    let taste = plan.taste(user, Int(itemRows[index])) + noise * stream.normal()
                                    userRows[index] = UInt32(user)
                                    values[index] = scale.rating(taste)
                                    times[index] = time
                                    time += Self.pause(&stream)
                                }
                            }
                        }
                    }
                }
            }
        }
        return InteractionLog(
            users: Vocabulary(.integers((0..<users).map { Int64($0 + 1) })),
            items: Vocabulary(.integers((0..<items).map { Int64($0 + 1) })),
            userRows: userRows, itemRows: itemRows, values: values, times: times)
    }

    private static func firstTime(_ stream: inout RandomStream) -> Int64 {
        let (from, to) = (1_104_537_600, 1_420_070_400)
        return Int64(from + stream.below(to - from))
    }

    private static func pause(_ stream: inout RandomStream) -> Int64 {
        let seconds: Double = stream.below(25) == 0 ? 864_000 : 20
        return 1 + Int64(-seconds * log1p(-stream.uniform()))
    }
}
