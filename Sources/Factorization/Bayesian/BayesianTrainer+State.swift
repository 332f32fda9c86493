package import Formats
import Kernels

extension BayesianTrainer {
    /// The model of the samples kept so far; before there is one, of the current sample.
    package var weights: [TensorSource] {
        guard kept.count == 0 else { return kept.weights(mean: mean) }
        return [
            users.tensor("user_factors"), items.tensor("item_factors"), users.biasTensor("user_biases"),
            items.biasTensor("item_biases"), TensorSource(name: "global_mean", [mean], shape: []),
        ]
    }

    /// The current sample, what its rows were drawn from, and where the sweep stands.
    package var optimizerState: [TensorSource] {
        [
            users.tensor("users"), items.tensor("items"), users.biasTensor("user_bias"),
            items.biasTensor("item_bias"), TensorSource(name: "precision", [precision]),
        ] + PosteriorSamples.tensors(priors: [users.prior, items.prior], precisions: []) + kept.state
            + progress.tensors + (validation?.tensors ?? [])
    }

    package func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        try users.restore("users", "user_bias", from: optimizer)
        try items.restore("items", "item_bias", from: optimizer)
        precision = try optimizer.tensor("precision").expect(.float64, shape: [1]).doubles()[0]
        let priors = try PosteriorSamples.read(optimizer).priors
        (users.prior, items.prior) = (priors[0], priors[1])
        try kept.restore(weights: weights, state: optimizer)
        try progress.restore(from: optimizer)
        try validation?.restore(from: optimizer)
    }
}

extension BayesianSide {
    func tensor(_ name: String) -> TensorSource {
        TensorSource(name: name, elementType: .float32, shape: [factors.rows, factors.width]) { [self] sink in
            for row in 0..<factors.rows { try sink(UnsafeRawBufferPointer(factors.row(row))) }
        }
    }

    func biasTensor(_ name: String) -> TensorSource {
        TensorSource(name: name, Array(UnsafeBufferPointer(start: biases.base, count: biases.count)))
    }

    func restore(_ name: String, _ biasName: String, from file: SafeTensorsFile) throws {
        let values = try file.tensor(name).expect(.float32, shape: [factors.rows, factors.width]).floats()
        for row in 0..<factors.rows {
            _ = factors.row(row).update(from: values[row * factors.width..<(row + 1) * factors.width])
        }
        for (row, value) in try file.tensor(biasName).expect(.float32, shape: [biases.count]).floats().enumerated() {
            biases.base[row] = value
        }
    }
}
