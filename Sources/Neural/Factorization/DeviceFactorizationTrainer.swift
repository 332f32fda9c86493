import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Torch
import Training

/// See ``DeviceFactorization``.
final class DeviceFactorizationTrainer: EpochTrainer {
    private let users, items: FactorSide
    private let mean: Double
    private let ratings: AdamRatings
    /// Of each rating: rows `[ratings]` and the value.
    private let userRows, itemRows, values: Tensor
    private let heldOut: (users: Tensor, items: Tensor, values: Tensor)?
    private let options: MatrixFactorizationOptions
    private let device: Device
    /// Steps of the optimiser; ratings of the epoch that are done, and the sum of their squared errors `[]`.
    private var steps = 0, done = 0
    private let squares: Tensor

    private static let random = TorchOperator("aten::rand")
    private static let greater = TorchOperator("aten::ge", "Scalar")

    init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?, options: MatrixFactorizationOptions,
        device: Device, workers: Workers
    ) throws {
        (self.options, self.device) = (options, device)
        let start = FactorParameters(history: history, options: options, places: nil, workers: workers)
        mean = Double(start.mean)
        users = try FactorSide("user", start.users, options, on: device)
        items = try FactorSide("item", start.items, options, on: device)
        ratings = AdamRatings(history, options: options)
        func moved<Scalar: TorchScalar>(_ elements: [Scalar]) throws -> Tensor {
            try Tensor(elements, [elements.count]).to(nil, device)
        }
        let columns = ratings.columns
        (userRows, itemRows, values) = (try moved(columns.users), try moved(columns.items), try moved(columns.values))
        heldOut = try validation.flatMap { log in
            guard log.count > 0 else { return nil }
            return (
                try moved(log.userRows.map { Int32(bitPattern: $0) }),
                try moved(log.itemRows.map { Int32(bitPattern: $0) }), try moved((0..<log.count).map { log.value($0) })
            )
        }
        squares = try Tensor.zeros([], .float64, on: device)
    }

    var weights: [TensorSource] {
        users.factors + items.factors
            + (options.biases
                ? users.biases + items.biases + [TensorSource(name: "global_mean", [Float(mean)], shape: [])] : [])
    }

    var optimizerState: [TensorSource] {
        users.moments + items.moments
            + [
                TensorSource(name: "place", elementType: .float64, shape: [3]) { [self] sink in
                    try [Double(steps), Double(done), squares.item()].withUnsafeBytes(sink)
                }
            ]
    }

    func restore(weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        for side in [users, items] { try side.restore(weights: weights, optimizer: file, biases: options.biases) }
        let place = try file.tensor("place").expect(.float64, shape: [3]).doubles()
        (steps, done) = (Int(place[0]), Int(place[1]))
        try squares.copyInPlace(from: Tensor([place[2]], []))
    }

    func train(
        epoch: Int, cancellation: Cancellation, progress: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let clock = Stopwatch()
        let order = [Int32](unsafeUninitializedCapacity: ratings.count) { target, filled in
            target.withMemoryRebound(to: UInt32.self) { places in
                ratings.order(of: epoch, seed: options.seed)
                    .copy(0..<ratings.count, to: places.baseAddress!, isa: .best)
            }
            filled = ratings.count
        }
        let all = try Tensor(order, [order.count]).to(nil, device)
        let rate = options.learningRate * options.decay.share(epoch: epoch, of: options.epochs)
        var told = 0.0
        var meter = DeviceMeter(device)
        while done < ratings.count {
            if cancellation.isCancelled { return .interrupted }
            let size = min(options.batchSize, ratings.count - done)
            try withoutGradients { try step(all.narrowed(axis: 0, from: done, count: size), rate: rate) }
            done += size
            guard clock.seconds - told > 0.2 || done == ratings.count else { continue }
            // Reading the loss waits for the device.
            told = clock.seconds
            let loss = try squares.item() / Double(done)
            guard loss.isFinite else {
                throw StarlingError(
                    .failed,
                    "training diverged: the loss of epoch \(epoch) is \(loss) by batch \(done / options.batchSize)",
                    remedy: "lower --learning-rate; the checkpoints of earlier epochs are kept")
            }
            var report = EpochProgress(done: done, total: ratings.count, loss: loss)
            report.device = try meter.look()
            progress(report)
        }
        let seconds = clock.seconds
        var metrics = ["train_loss": try squares.item() / Double(max(1, ratings.count))]
        done = 0
        try squares.zeroInPlace()
        metrics.merge(meter.metrics()) { $1 }
        metrics.merge(try validationMetrics()) { $1 }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// One step of Adam on the ratings at `places`, as `sk_adam.h` states it.
    private func step(_ places: Tensor, rate: Double) throws {
        steps += 1
        let (count, width) = (places.count, options.factors)
        let (user, item) = (try userRows.selecting(places), try itemRows.selecting(places))
        let (left, right) = (try users.table.selecting(user), try items.table.selecting(item))
        var p = try left.narrowed(axis: 1, from: 0, count: width)
        let q = try right.narrowed(axis: 1, from: 0, count: width)
        // What a user's gradient is a multiple of.
        var gradient = q
        if options.dropout > 0 {
            let kept = try Self.greater.tensor(
                .tensor(
                    Self.random.tensor(.integers([count, width]), named: ["device": .device(device)])),
                .number(options.dropout)
            ).to(.float32).multiplied(by: 1 / (1 - options.dropout))
            // A mask of zeros and one number: in a product with either side it counts once.
            p = try p.multiplied(by: kept)
            gradient = try q.multiplied(by: kept)
        }
        try move(user, item, p, gradient, try error(p, q, left, right, places), count, rate)
    }

    /// How far predictions are above the ratings, `[batch × 1]`.
    private func error(_ p: Tensor, _ q: Tensor, _ left: Tensor, _ right: Tensor, _ places: Tensor) throws -> Tensor {
        let error = try predicted(p, q, left, right).subtracting(values.selecting(places))
        try squares.addInPlace(error.multiplied(by: error).sum().to(.float64))
        return try error.reshaped([places.count, 1])
    }

    private func predicted(_ p: Tensor, _ q: Tensor, _ left: Tensor, _ right: Tensor) throws -> Tensor {
        let width = options.factors
        func bias(_ rows: Tensor) throws -> Tensor {
            try rows.narrowed(axis: 1, from: width, count: 1).reshaped([rows.shape[0]])
        }
        return try p.multiplied(by: q).sum(axes: [1]).adding(bias(left)).adding(bias(right)).adding(mean)
    }

    private func move(
        _ user: Tensor, _ item: Tensor, _ p: Tensor, _ q: Tensor, _ error: Tensor, _ count: Int, _ rate: Double
    ) throws {
        let weight = try error.multiplied(by: 2 / Double(count))
        let bias = options.biases ? weight : try weight.multiplied(by: 0)
        let left = try users.grouped(
            user, try Tensor.concatenated([q.multiplied(by: weight), bias], axis: 1))
        let right = try items.grouped(
            item, try Tensor.concatenated([p.multiplied(by: weight), bias], axis: 1))
        if let clip = options.clipNorm { try clipGradients([left.gradient, right.gradient], to: clip) }
        try users.move(left, rate: rate, step: steps)
        try items.move(right, rate: rate, step: steps)
    }

    private func validationMetrics() throws -> [String: Double] {
        guard let heldOut else { return [:] }
        return try withoutGradients {
            var (squared, absolute, total) = (0.0, 0.0, heldOut.values.count)
            for first in stride(from: 0, to: total, by: 1 << 18) {
                let size = min(1 << 18, total - first)
                func part(_ tensor: Tensor) throws -> Tensor { try tensor.narrowed(axis: 0, from: first, count: size) }
                let left = try users.table.selecting(part(heldOut.users))
                let right = try items.table.selecting(part(heldOut.items))
                func factors(_ rows: Tensor) throws -> Tensor {
                    try rows.narrowed(axis: 1, from: 0, count: options.factors)
                }
                let error = try predicted(factors(left), factors(right), left, right)
                    .subtracting(part(heldOut.values)).to(.float64)
                squared += try error.multiplied(by: error).sum().item()
                absolute += try Self.absolute.tensor(.tensor(error)).sum().item()
            }
            total = max(1, total)
            let mean = squared / Double(total)
            return ["val_loss": mean, "val_rmse": mean.squareRoot(), "val_mae": absolute / Double(total)]
        }
    }

    private static let absolute = TorchOperator("aten::abs")
}
