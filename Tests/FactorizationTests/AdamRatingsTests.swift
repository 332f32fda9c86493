import Factorization
import Interactions
import Kernels
import Testing
import Training

@Suite struct AdamRatingsTests {
    static let log = randomRatings(users: 3000, items: 20, density: 0.1, seed: 8)

    static func options(_ batchSize: Int) -> MatrixFactorizationOptions {
        var options = MatrixFactorizationOptions(optimizer: .adam)
        options.factors = 120  // 4.6 MB of users' vectors and moments
        options.batchSize = batchSize
        options.epochs = 1
        return options
    }

    static func places(_ ratings: AdamRatings, epoch: Int, stretch: Int) -> [UInt32] {
        let order = ratings.order(of: epoch, seed: 42)
        return [UInt32](unsafeUninitializedCapacity: ratings.count) { buffer, initialized in
            for start in stride(from: 0, to: ratings.count, by: stretch) {
                let range = start..<min(ratings.count, start + stretch)
                order.copy(range, to: buffer.baseAddress! + start, isa: .best)
            }
            initialized = ratings.count
        }
    }

    @Test func anEpochTakesEveryRatingOncePartByPart() {
        let ratings = AdamRatings(Self.log.userMatrix(), options: Self.options(100))
        #expect(ratings.starts.count == 1 + 4)
        let first = Self.places(ratings, epoch: 1, stretch: ratings.count)
        #expect(first.sorted() == Array(0..<UInt32(ratings.count)))
        #expect(Self.places(ratings, epoch: 1, stretch: 97) == first)
        #expect(Self.places(ratings, epoch: 2, stretch: 97) != first)
        let parts = first.map { place in ratings.starts.lastIndex { $0 <= Int(place) }! }
        #expect(zip(parts, parts.dropFirst()).filter { $0 != $1 }.count == 3)
    }

    @Test func batchesAsLargeAsPartsAreDrawnFromAllUsers() {
        let ratings = AdamRatings(Self.log.userMatrix(), options: Self.options(4000))
        #expect(ratings.starts == [0, Self.log.count])
    }

    @Test func sameBitsAtAnyThreadCountInParts() throws {
        let digests = try [1, 2, 3].map { threads in
            let trainer = try MatrixFactorization.trainer(
                on: Self.log, options: Self.options(100), workers: Workers(threads: threads))
            return try TrainingLoop(epochs: 1).train(trainer).weightsSHA256
        }
        #expect(Set(digests).count == 1)
    }
}
