import CKernels
import Kernels
import Testing

/// The vector kernels against the plain one, which states what they compute, on random shapes.
@Suite struct SGDKernelTests {
    struct Shape: Sendable {
        var width: Int
        var biased: Bool
        var adagrad: Bool
    }

    static let shapes = [1, 7, 16, 17, 33, 64, 100, 128, 200].flatMap { width in
        [(true, false), (false, false), (true, true), (false, true)].map {
            Shape(width: width, biased: $0.0, adagrad: $0.1)
        }
    }

    @Test(arguments: shapes) func everyInstructionSetFollowsThePlainVersion(shape: Shape) {
        let plain = Block(shape, seed: 3)
        let expected = plain.walk { sk_sgd_plain($0) }
        for isa in InstructionSet.allCases where isa <= .best {
            let block = Block(shape, seed: 3)
            let loss = block.walk { sk_sgd($0, isa.rawValue) }
            #expect(abs(loss - expected) <= 1e-4 * expected, "\(isa) \(shape)")
            #expect(block.difference(from: plain) < 2e-5, "\(isa) \(shape)")
            #expect(block.paddingIsZero)
        }
    }

    @Test func clippingBoundsEachMove() {
        let block = Block(Shape(width: 20, biased: true, adagrad: false), seed: 4)
        block.work.clip = 0.01
        block.work.rate = 1
        let before = Block(Shape(width: 20, biased: true, adagrad: false), seed: 4)
        block.work.groups = (0, 0, 0, 1)  // a single rating
        _ = block.walk { sk_sgd($0, InstructionSet.best.rawValue) }
        let moved = block.distance(from: before)
        #expect(moved <= 0.01 + 1e-5 && moved > 0.009)
    }

    @Test func dropoutKeepsTheExpectedShareAndScales() {
        let draws = (0..<20000).map { sk_dropout_factor(77, UInt64($0 / 10), Int32($0 % 2), $0 % 10, 0.25) }
        let dropped = Double(draws.filter { $0 == 0 }.count) / Double(draws.count)
        #expect(abs(dropped - 0.25) < 0.015)
        #expect(draws.allSatisfy { $0 == 0 || abs($0 - 1 / 0.75) < 1e-6 })
    }

    @Test func dropoutChangesWhatIsLearnt() {
        let shape = Shape(width: 24, biased: true, adagrad: false)
        let (with, without) = (Block(shape, seed: 6), Block(shape, seed: 6))
        with.work.dropout = 0.5
        with.work.dropout_key = 9
        _ = with.walk { sk_sgd($0, 2) }
        _ = without.walk { sk_sgd($0, 2) }
        #expect(with.difference(from: without) > 1e-3)
        #expect(with.paddingIsZero)
    }
}

/// A random block with tables of its own.
private final class Block {
    var work = sk_sgd_block()
    private let userTable: FactorTable, itemTable: FactorTable
    private let vectors: UnsafeMutablePointer<Float>
    private let groupUsers: UnsafeMutablePointer<UInt32>
    private let items: UnsafeMutablePointer<UInt32>, values: UnsafeMutablePointer<Float>
    private let (users, itemCount) = (13, 9)

    init(_ shape: SGDKernelTests.Shape, seed: UInt64) {
        var random = RandomStream(seed: seed, .test)
        userTable = FactorTable(rows: users, width: shape.width)
        itemTable = FactorTable(rows: itemCount, width: shape.width)
        for row in 0..<users { for f in 0..<shape.width { userTable[row, f] = Float(random.normal()) * 0.3 } }
        for row in 0..<itemCount { for f in 0..<shape.width { itemTable[row, f] = Float(random.normal()) * 0.3 } }
        vectors = .allocate(capacity: 4 * users)
        for place in 0..<4 * users { vectors[place] = Float(random.uniform()) * 0.2 }
        // Fewer groups of some sizes than the kernels look ahead, and one size with none.
        let sizes = [(4, 30), (3, 5), (2, shape.width % 2 == 0 ? 12 : 0), (1, 1 + random.below(20))]
        groupUsers = .allocate(capacity: 100)
        items = .allocate(capacity: 400)
        values = .allocate(capacity: 400)
        var (group, rating) = (0, 0)
        for (size, count) in sizes {
            for number in 0..<count {
                var drawn = Array(0..<UInt32(itemCount))
                random.shuffle(&drawn)
                let user = UInt32(random.below(users))
                let before = (0..<size).map { number > 0 ? items[rating - 1 - $0] : UInt32.max }
                let waits =
                    number > 0
                    && (groupUsers[group - 1] & ~SK_SGD_WAITS == user
                        || drawn.prefix(size).contains(where: before.contains))
                groupUsers[group] = waits ? user | SK_SGD_WAITS : user
                for item in drawn.prefix(size) {
                    items[rating] = item
                    values[rating] = Float(3 + random.normal())
                    rating += 1
                }
                group += 1
            }
        }
        work.user_factors = userTable.base
        work.item_factors = itemTable.base
        if shape.biased {
            work.user_biases = vectors
            work.item_biases = vectors + users
        }
        if shape.adagrad {
            // The plain and the vector version both read squares of biases only where there are biases.
            squares = .allocate(capacity: 4 * users)
            squares!.initialize(repeating: 0, count: 4 * users)
            work.user_squares = squares
            work.item_squares = squares! + users
            work.user_bias_squares = squares! + 2 * users
            work.item_bias_squares = squares! + 3 * users
        }
        work.stride = userTable.stride
        work.width = shape.width
        work.groups = (sizes[0].1, sizes[1].1, sizes[2].1, sizes[3].1)
        work.users = UnsafePointer(groupUsers)
        work.items = UnsafePointer(items)
        work.values = UnsafePointer(values)
        work.mean = 3
        work.rate = 0.05
        work.penalty = 0.1
        work.bias_penalty = 0.02
    }

    private var squares: UnsafeMutablePointer<Float>?

    deinit {
        squares?.deallocate()
        vectors.deallocate()
        groupUsers.deallocate()
        items.deallocate()
        values.deallocate()
    }

    func walk(_ body: (UnsafePointer<sk_sgd_block>) -> Double) -> Double {
        withUnsafePointer(to: work) { body($0) }
    }

    private var parameters: [Float] {
        (0..<users).flatMap { Array(userTable.row($0)) } + (0..<itemCount).flatMap { Array(itemTable.row($0)) }
            + (0..<4 * users).map { vectors[$0] }
    }

    /// The largest difference between any two parameters.
    func difference(from other: Block) -> Float {
        zip(parameters, other.parameters).map { abs($0 - $1) }.max()!
    }

    /// The Euclidean distance between the parameters.
    func distance(from other: Block) -> Float {
        zip(parameters, other.parameters).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
    }

    var paddingIsZero: Bool {
        let stride = userTable.stride
        return (0..<users).allSatisfy { row in
            (userTable.width..<stride).allSatisfy { userTable.base[row * stride + $0] == 0 }
        }
            && (0..<itemCount).allSatisfy { row in
                (itemTable.width..<stride).allSatisfy { itemTable.base[row * stride + $0] == 0 }
            }
    }
}
