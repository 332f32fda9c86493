import Basics
import CKernels
import Factorization
import Formats
import Interactions
import Kernels
import Testing
import Training

/// Training on histories that are gone through and dealt through disk: the bits of training on histories in memory.
@Suite struct OutOfCoreTests {
    /// Repeated pairs, users and items without ratings, and more different values than a byte numbers.
    private static let log = {
        let log = randomRatings(users: 240, items: 110, density: 0.15, seed: 4)
        var random = RandomStream(seed: 8, .test)
        let again = (0..<300).map { _ in random.below(log.count) }
        let order = Array(0..<log.count) + again
        return InteractionLog(
            users: Vocabulary(.integers((0..<250).map { $0 })), items: Vocabulary(.integers((0..<120).map { $0 })),
            userRows: order.map { log.userRows[$0] }, itemRows: order.map { log.itemRows[$0] },
            values: order.enumerated().map { log.values![$1] + ($0 < log.count ? 0 : 0.25) }, times: nil)
    }()

    /// The same in halves, as ratings mostly are.
    private static let halves = {
        InteractionLog(
            users: log.users, items: log.items, userRows: log.userRows, itemRows: log.itemRows,
            values: log.values!.map { ($0 * 2).rounded() / 2 }, times: nil)
    }()

    private static func options(_ optimizer: Optimizer, _ variant: (dropout: Double, biases: Bool) = (0, true))
        -> MatrixFactorizationOptions
    {
        TrainerTests.options(optimizer, dropout: variant.dropout, biases: variant.biases)
    }

    private static func digest(_ trainer: any EpochTrainer) throws -> [String] {
        for epoch in 1...3 { _ = try trainer.train(epoch: epoch, cancellation: Cancellation()) { _ in } }
        return [try WeightsDigest.sha256(trainer.weights), try WeightsDigest.sha256(trainer.optimizerState)]
    }

    @discardableResult private static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let result = try body(folder)
        #expect(try Files.list(folder) == [])
        return result
    }

    private static let places: [GridScratch.Place] = [.memory, .disk(buffers: 0), .disk(buffers: 1 << 20)]

    @Test(arguments: [Optimizer.sgd, .adagrad], [(0.0, true), (0.2, true), (0, false)])
    func weightsAreThoseOfHistoriesInMemory(optimizer: Optimizer, variant: (Double, Bool)) throws {
        let options = Self.options(optimizer, variant)
        for log in [Self.log, Self.halves] {
            let ordinary = try Self.digest(
                MatrixFactorization.trainer(on: log, options: options, workers: Workers(threads: 2)))
            for (place, size, threads) in [
                (Self.places[0], 1, 1), (Self.places[0], 333, 3), (Self.places[1], 57, 3), (Self.places[1], 1000, 1),
                (Self.places[2], 1 << 20, 3),
            ] {
                let dealt = try Self.withFolder { folder in
                    try Self.digest(
                        MatrixFactorization.trainer(
                            passes: LogPasses(log, sliceSize: size), validation: nil, options: options,
                            scratch: GridScratch(folder: folder, place: place), workers: Workers(threads: threads)))
                }
                #expect(dealt == ordinary, "\(place), slices of \(size)")
            }
        }
    }

    /// Blocks of several segments, and sets so small that keys are short or that there are more blocks than ratings.
    @Test(arguments: [(9000, 40, 0.02), (3, 2, 1), (1, 300, 0.5), (40, 1, 1)])
    func setsOfAnyShape(users: Int, items: Int, density: Double) throws {
        let log = randomRatings(users: users, items: items, density: density, seed: 3)
        var options = Self.options(.sgd)
        options.factors = 100
        let ordinary = try Self.digest(
            MatrixFactorization.trainer(on: log, options: options, workers: Workers(threads: 2)))
        let dealt = try Self.withFolder { folder in
            try Self.digest(
                MatrixFactorization.trainer(
                    passes: LogPasses(log, sliceSize: 500), validation: nil, options: options,
                    scratch: GridScratch(folder: folder, place: .disk(buffers: 0)), workers: Workers(threads: 3)))
        }
        #expect(dealt == ordinary)
    }

    /// As many different values as a byte numbers, and one more.
    @Test(arguments: [256, 257]) func valuesOfAnyNumber(count: Int) throws {
        let log = randomRatings(users: 300, items: 90, density: 0.2, seed: 5)
        let numbered = InteractionLog(
            users: log.users, items: log.items, userRows: log.userRows, itemRows: log.itemRows,
            values: (0..<log.count).map { 1 + Float($0 % count) / 64 }, times: nil)
        let options = Self.options(.sgd)
        let ordinary = try Self.digest(
            MatrixFactorization.trainer(on: numbered, options: options, workers: Workers(threads: 2)))
        for place in Self.places {
            let dealt = try Self.withFolder { folder in
                try Self.digest(
                    MatrixFactorization.trainer(
                        passes: LogPasses(numbered, sliceSize: 150), validation: nil, options: options,
                        scratch: GridScratch(folder: folder, place: place), workers: Workers(threads: 2)))
            }
            #expect(dealt == ordinary)
        }
        var codes = ValueCodes()
        let all = (0..<count).map { codes.code(adding: Float($0)) }
        #expect(all == (0..<count).map { $0 < 256 ? UInt8($0) : nil })
        #expect((0..<count).allSatisfy { codes.code(of: Float($0)) == all[$0] })
    }

    /// Pieces of every form come back as they were.
    @Test(arguments: [false, true], [false, true]) func piecesArePacked(hasWideItems: Bool, isCoded: Bool) {
        let (user, item): (UInt32, UInt32) = (5_000_000, 17_000_000)
        let users: [UInt32] = [user, user + 4095 | SK_SGD_WAITS, user + 3]
        let far: UInt32 = hasWideItems ? 70_000 : 65_535
        let items = [0, 1, far, 5, 7, 9, far].map { item + $0 }
        let values: [Float] = [3, 4.5, 3, -1, 4.5, 5, 3]
        var codes = ValueCodes()
        for value in values { _ = codes.code(adding: value) }
        let form = PackedPiece(
            hasWideItems: hasWideItems,
            codes: isCoded ? codes.values + [Float](repeating: 0, count: 256 - codes.values.count) : nil)
        let room = PieceRoom(ratings: 7)
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 8)
        defer { bytes.deallocate() }
        users.withUnsafeBufferPointer { users in
            items.withUnsafeBufferPointer { items in
                values.withUnsafeBufferPointer { values in
                    let piece = PieceRatings(
                        groups: [1, 0, 1, 1], users: users.baseAddress!, items: items.baseAddress!,
                        values: values.baseAddress!)
                    let size = form.pack(piece, firstUser: user, firstItem: item, encoding: codes, to: bytes)
                    #expect(size == 16 + 8 + (hasWideItems ? 32 : 16) + (isCoded ? 8 : 32))
                    #expect(size == form.bytes(groups: 3, ratings: 7))
                    let (found, read) = form.unpack(bytes, firstUser: user, firstItem: item, into: room)
                    #expect(read == size && found.groups == piece.groups)
                    #expect((0..<3).allSatisfy { found.users[$0] == users[$0] })
                    #expect((0..<7).allSatisfy { found.items[$0] == items[$0] && found.values[$0] == values[$0] })
                }
            }
        }
    }

    /// Stopped in an epoch, its state taken over by a trainer in memory or on disk.
    @Test(arguments: [(places[1], places[0]), (places[2], places[1]), (places[0], places[2])])
    func goesOnInTheMiddleOfAnEpoch(before: GridScratch.Place, after: GridScratch.Place) throws {
        let options = Self.options(.adagrad)
        let whole = try Self.digest(
            MatrixFactorization.trainer(on: Self.log, options: options, workers: Workers(threads: 2)))
        try Self.withFolder { folder in
            func trainer(_ place: GridScratch.Place) throws -> any EpochTrainer {
                try MatrixFactorization.trainer(
                    passes: LogPasses(Self.log, sliceSize: 100), validation: nil, options: options,
                    scratch: GridScratch(folder: folder, place: place), workers: Workers(threads: 2))
            }
            let stopped = try trainer(before)
            _ = try stopped.train(epoch: 1, cancellation: Cancellation()) { _ in }
            let cancellation = Cancellation()
            var calls = 0
            let outcome = try stopped.train(epoch: 2, cancellation: cancellation) { _ in
                calls += 1
                if calls == 5 { cancellation.cancel() }
            }
            guard case .interrupted = outcome else { throw StarlingError(.failed, "not interrupted") }
            let (weights, state) = (folder + "/weights", folder + "/state")
            defer {
                try? Files.remove(weights)
                try? Files.remove(state)
            }
            try SafeTensors.write(stopped.weights, to: weights)
            try SafeTensors.write(stopped.optimizerState, to: state)
            let resumed = try trainer(after)
            try resumed.restore(weights: SafeTensorsFile(weights), optimizer: SafeTensorsFile(state))
            for epoch in 2...3 { _ = try resumed.train(epoch: epoch, cancellation: Cancellation()) { _ in } }
            let digests = [
                try WeightsDigest.sha256(resumed.weights), try WeightsDigest.sha256(resumed.optimizerState),
            ]
            #expect(digests == whole)
        }
    }

    @Test func progressReachesTheEndOfBothSteps() throws {
        var last: [String: Int] = [:]
        try Self.withFolder { folder in
            _ = try MatrixFactorization.trainer(
                passes: LogPasses(Self.log, sliceSize: 100), validation: nil, options: Self.options(.sgd),
                scratch: GridScratch(folder: folder, place: .disk(buffers: 0)), workers: Workers(threads: 1)
            ) { step, done, total in
                #expect(total == Self.log.count && done >= last[step.rawValue] ?? 0)
                last[step.rawValue] = done
            }
        }
        #expect(last == ["dealing ratings": Self.log.count, "building blocks": Self.log.count])
    }

    @Test(arguments: [GridStep.dealing, .building]) func stopsBeforeTheFirstEpoch(step: GridStep) throws {
        let cancellation = Cancellation()
        try Self.withFolder { folder in
            #expect {
                try MatrixFactorization.trainer(
                    passes: LogPasses(Self.log, sliceSize: 100), validation: nil, options: Self.options(.sgd),
                    scratch: GridScratch(folder: folder, place: .memory), workers: Workers(threads: 2),
                    cancellation: cancellation
                ) { at, _, _ in if at == step { cancellation.cancel() } }
            } throws: {
                ($0 as? StarlingError)?.code == .interrupted
            }
        }
    }

    /// Says that it has a quadrillion ratings, and must not be asked for one.
    private struct Endless: HistoryPasses {
        let userCount = 1000, itemCount = 1000, entryCount = 1_000_000_000_000_000, sliceCount = 1
        let activity = [UInt32](repeating: 1000, count: 1000), audience = [UInt32](repeating: 1000, count: 1000)
        let hasValues = true

        func forEachSlice(
            workers: Workers, cancellation: Cancellation?, progress: ((_ done: Int, _ total: Int) -> Void)?,
            _ body: (_ slice: HistorySlice, _ worker: Int) throws -> Void
        ) throws { preconditionFailure("gone through") }
    }

    @Test func tooLittleDiskIsRefusedWithBothNumbers() throws {
        try Self.withFolder { folder in
            #expect {
                try MatrixFactorization.trainer(
                    passes: Endless(), validation: nil, options: Self.options(.sgd),
                    scratch: GridScratch(folder: folder, place: .memory), workers: Workers(threads: 1))
            } throws: {
                let text = "\($0)"
                return ($0 as? StarlingError)?.code == .failed && text.contains("takes 6000 TB of disk, and ")
                    && text.contains(folder)
            }
        }
        let scratch = GridScratch(folder: "runs", place: .memory)
        #expect {
            try scratch.check(bytes: 7_200_000_000, free: 1_500_000_000)
        } throws: {
            "\($0)".contains("takes 7.20 GB of disk, and 1.50 GB are free")
        }
        try scratch.check(bytes: 7_200_000_000, free: 7_200_000_000)
        try scratch.check(bytes: 7_200_000_000, free: nil)
    }

    @Test func aFolderThatIsNotThereIsNamed() {
        #expect {
            try MatrixFactorization.trainer(
                passes: LogPasses(Self.log), validation: nil, options: Self.options(.sgd),
                scratch: GridScratch(folder: "/nowhere", place: .memory), workers: Workers(threads: 1))
        } throws: {
            "\($0)".contains("/nowhere") && ($0 as? StarlingError)?.code == .failed
        }
    }

    @Test func adamAndMissingRatingsAreRefused() {
        func code(_ passes: any HistoryPasses, _ optimizer: Optimizer) -> StarlingError.Code? {
            do {
                _ = try MatrixFactorization.trainer(
                    passes: passes, validation: nil, options: Self.options(optimizer),
                    scratch: GridScratch(folder: "/nowhere", place: .memory), workers: Workers(threads: 1))
                return nil
            } catch { return (error as? StarlingError)?.code }
        }
        #expect(code(LogPasses(Self.log), .adam) == .usage)
        #expect(code(LogPasses(Self.log.pairs), .sgd) == .badData)
    }

    /// The grid's bytes as estimated, against those of its arrays; the rest by hand.
    @Test func memoryIsEstimatedInParts() throws {
        let log = randomRatings(users: 3000, items: 400, density: 0.1, seed: 2)
        let passes = LogPasses(log)
        func parts(_ optimizer: Optimizer, _ place: GridScratch.Place) -> [String: Int] {
            let estimate = MatrixFactorization.memoryEstimate(
                passes: passes, validation: 1000, options: Self.options(optimizer), place: place, workers: 2)
            return Dictionary(uniqueKeysWithValues: estimate.parts.map { ($0.name, $0.bytes) })
        }
        let memory = parts(.adagrad, .memory)
        let grid = try BlockGrid(log.userMatrix(), factors: 12, workers: Workers(threads: 1))
        let bytes = grid.userBlocks.reduce(0) { $0 + 4 * $1.users.count + 8 * $1.values.count }
        #expect(abs(Double(memory["rating grid"]!) / Double(bytes) - 1) < 0.02)
        #expect(memory["factors"] == 3400 * (64 + 4) && memory["step sizes"] == 3400 * 8)
        #expect(memory["validation"] == 16_000)
        let disk = parts(.sgd, .disk(buffers: 100 << 20))
        #expect(disk["rating grid"] == nil && disk["step sizes"] == nil)
        #expect((32 << 20..<34 << 20).contains(disk["buffers"]!))
        #expect(parts(.sgd, .disk(buffers: 0))["buffers"]! < 24 << 20)
    }
}
