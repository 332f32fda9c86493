import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A log grown to many times as many users and items: the randomised fractal expansion of Belletti et al. (2019, arXiv
/// 1901.08910), in which block (i, j) of the result is the source with its users and items shuffled, of which each
/// interaction is kept with the probability that the factor has at (i, j).
///
/// User u of block row i has the number i · users + π(u), item v of block column j has j · items + π(v), both counted from 0.
/// No pair comes twice if none does in the source. What a block keeps is a pure function of the seed and the block, so any
/// thread can make any part of the result.
package struct FractalExpansion: Sendable {
    /// What is shuffled anew.
    package enum Shuffling: String, Sendable, CaseIterable {
        /// Users and items of every block, as published. An item of the result adds up as many items of the source as the
        /// factor has rows, drawn at random, which evens out popularity, and activity likewise, the more the larger the factor is.
        case blocks
        /// Users of every row of blocks and items of every column. The result is then a Kronecker product in another order, thinned:
        /// tails and spectrum multiply, whatever the factor's size.
        case sides
    }

    /// A part of a block, made in one go.
    package struct Piece: Sendable {
        let block: UInt32
        let part: UInt16
        let parts: UInt16
    }

    /// What was kept of a piece, in the order of the source's users, and each one's items.
    package struct Kept: Sendable {
        package let users: [UInt32]
        package let items: [UInt32]
        /// If they are carried over.
        package let ratings: Ratings?
    }

    /// Ratings in the smallest type that holds all of the source's.
    package enum Ratings: Sendable {
        case bytes([UInt8])
        case floats([Float])
    }

    package let factor: KroneckerFactor
    package let shuffling: Shuffling
    /// Without repeated pairs.
    let source: InteractionMatrix<UserRow, ItemRow>
    private let seed: UInt64
    /// The user of each entry of the source.
    private let rows: [UInt32]
    private let ratings: Ratings?

    /// - Parameters:
    ///   - source: no row has a column twice.
    ///   - carriesRatings: whether interactions keep the source's values, which it then has.
    package init(
        of source: InteractionMatrix<UserRow, ItemRow>, by factor: KroneckerFactor, shuffling: Shuffling, seed: UInt64,
        carriesRatings: Bool
    ) {
        (self.source, self.factor, self.shuffling, self.seed) = (source, factor, shuffling, seed)
        rows = (0..<source.rowCount).flatMap { row in
            repeatElement(UInt32(row), count: source.offsets[row + 1] - source.offsets[row])
        }
        ratings = carriesRatings ? Ratings(source.values!) : nil
    }

    /// Bytes that a rating takes; 0 where they are not carried over.
    package var ratingSize: Int {
        switch ratings {
        case nil: 0
        case .bytes: 1
        case .floats: 4
        }
    }

    /// Users and items that the result has room for; some may get no interactions.
    package var users: Int { factor.rows * source.rowCount }
    package var items: Int { factor.columns * source.columnCount }

    /// How many interactions are expected.
    package var expected: Double { factor.rates.reduce(0) { $0 + expected($1) } }

    private func expected(_ rate: Double) -> Double { rate * Double(source.entryCount) }

    /// All that is to be made, in the order of the result: row by row of the factor, of which each piece keeps a million at most or
    /// not many more.
    package func pieces() -> [Piece] {
        factor.rates.enumerated().flatMap { block, rate in
            let parts = min(source.entryCount, max(1, Int((expected(rate) / 0x1p20).rounded(.up))))
            return (0..<parts).map { Piece(block: UInt32(block), part: UInt16($0), parts: UInt16(parts)) }
        }
    }

    /// How many interactions a piece is expected to keep.
    package func expected(_ piece: Piece) -> Double { factor.rates[Int(piece.block)] * Double(range(piece).count) }

    private func range(_ piece: Piece) -> Range<Int> {
        let (part, parts) = (Int(piece.part), Int(piece.parts))
        return source.entryCount * part / parts..<source.entryCount * (part + 1) / parts
    }

    /// Makes a piece.
    ///
    /// - Complexity: O(kept + users + items of the source): dropped interactions are leapt over by geometric steps.
    package func make(_ piece: Piece, _ scratch: Scratch) -> Kept {
        let block = Int(piece.block)
        shuffle(for: block, scratch)
        // The permutations of a block take few of these counters.
        var random = RandomStream(
            seed: seed, .expansion, index: UInt64(block), counter: (UInt64(piece.part) + 1) << 40)
        let range = range(piece)
        let count = sample(range.count, rate: factor.rates[block], &random, scratch)
        return scratch.places.withUnsafeBufferPointer { places in
            let entries = places[..<count].lazy.map { range.lowerBound + $0 }
            let ratings: Ratings? =
                switch self.ratings {
                case nil: nil
                case .bytes(let column): .bytes(entries.map { column[$0] })
                case .floats(let column): .floats(entries.map { column[$0] })
                }
            return Kept(
                users: scratch.users.elements(at: rows, entries),
                items: scratch.items.elements(at: source.columns, entries),
                ratings: ratings)
        }
    }

    /// Puts the numbers of the block's users and items into `scratch`, unless they are there.
    private func shuffle(for block: Int, _ scratch: Scratch) {
        guard scratch.block != block else { return }
        scratch.block = block
        let (row, column) = block.quotientAndRemainder(dividingBy: factor.columns)
        let (firstUser, firstItem) = (UInt32(row * source.rowCount), UInt32(column * source.columnCount))
        for user in scratch.users.indices { scratch.users[user] = firstUser + UInt32(user) }
        for item in scratch.items.indices { scratch.items[item] = firstItem + UInt32(item) }
        switch shuffling {
        case .blocks:
            var random = RandomStream(seed: seed, .expansion, index: UInt64(block))
            random.shuffle(&scratch.users)
            random.shuffle(&scratch.items)
        case .sides:
            let blocks = factor.rates.count
            var random = RandomStream(seed: seed, .expansion, index: UInt64(blocks + row))
            random.shuffle(&scratch.users)
            random = RandomStream(seed: seed, .expansion, index: UInt64(blocks + factor.rows + column))
            random.shuffle(&scratch.items)
        }
    }

    /// Puts places within `0..<count` into `scratch`, rising, each taken with probability `rate`; how many.
    private func sample(_ count: Int, rate: Double, _ random: inout RandomStream, _ scratch: Scratch) -> Int {
        guard rate > 0 else { return 0 }
        var places: [Int] = []
        swap(&places, &scratch.places)
        defer { swap(&places, &scratch.places) }
        let expected = rate * Double(count)
        places.grow(to: min(count, Int(expected + 8 * expected.squareRoot()) + 8))
        guard rate < 1 else {
            for place in 0..<count { places[place] = place }
            return count
        }
        let scale = 1 / log1p(-rate)
        var (taken, next) = (0, 0)
        while true {
            let gap = log(1 - random.uniform()) * scale
            guard gap < Double(count - next) else { return taken }
            next += Int(gap)
            if taken == places.count { places.grow(to: 2 * taken) }
            places[taken] = next
            (taken, next) = (taken + 1, next + 1)
        }
    }

    /// What a thread needs to make pieces.
    package final class Scratch {
        fileprivate var block = -1
        fileprivate var users: [UInt32]
        fileprivate var items: [UInt32]
        fileprivate var places: [Int] = []

        package init(_ expansion: FractalExpansion) {
            users = [UInt32](repeating: 0, count: expansion.source.rowCount)
            items = [UInt32](repeating: 0, count: expansion.source.columnCount)
        }
    }
}

extension FractalExpansion.Ratings {
    fileprivate init(_ values: [Float]) {
        let fit = values.allSatisfy { $0 >= 0 && $0 <= 255 && $0 == $0.rounded() }
        self = fit ? .bytes(values.map { UInt8($0) }) : .floats(values)
    }
}

extension [Int] {
    fileprivate mutating func grow(to size: Int) {
        if count < size { self += repeatElement(0, count: size - count) }
    }
}

extension [UInt32] {
    /// `self[places[entry]]` of each entry.
    fileprivate func elements(at places: [UInt32], _ entries: some Collection<Int>) -> [UInt32] {
        withUnsafeBufferPointer { elements in
            places.withUnsafeBufferPointer { places in
                [UInt32](unsafeUninitializedCapacity: entries.count) { result, count in
                    for entry in entries {
                        result[count] = elements[Int(places[entry])]
                        count += 1
                    }
                }
            }
        }
    }
}
