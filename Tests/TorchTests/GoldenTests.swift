import Testing
import Torch

/// Values, gradients and steps are PyTorch's.
@Suite(torch) struct GoldenTests {
    let golden: Golden

    init() throws { golden = try Golden() }

    @Test func towers() throws {
        let (users, items) = (try Embedding(11, 6), try Embedding(9, 6))
        try golden.fill(users, "tower", names: ["weight": "users"])
        try golden.fill(items, "tower", names: ["weight": "items"])
        let towers = try (0..<2).map { number in
            let layers = (try Linear(6, 8), try Linear(8, 5))
            try golden.fill(layers.0, "tower.\(number)", names: ["weight": "0.weight", "bias": "0.bias"])
            try golden.fill(layers.1, "tower.\(number)", names: ["weight": "2.weight", "bias": "2.bias"])
            return layers
        }
        func tower(_ number: Int, _ input: Tensor) throws -> Tensor {
            try towers[number].1(towers[number].0(input).relu())
        }
        let left = try tower(0, users(golden.tensor("tower.user_ids")))
        let right = try tower(1, items(golden.tensor("tower.item_ids")))
        let logits = try left.matmul(right.transposed()).subtracting(golden.tensor("tower.log_q"))
        try golden.expect(logits, "tower.logits")
        let loss = try Loss.crossEntropy(logits, .range(7))
        try golden.expect(loss, "tower.loss")
        try loss.backward()
        try golden.expect(users.weight.gradient, "tower.users_grad")
        try golden.expect(items.weight.gradient, "tower.items_grad")
        for number in 0..<2 {
            try golden.expectGradients(
                towers[number].0, "tower.\(number)", names: ["weight": "0.weight", "bias": "0.bias"])
            try golden.expectGradients(
                towers[number].1, "tower.\(number)", names: ["weight": "2.weight", "bias": "2.bias"])
        }
    }

    @Test func attention() throws {
        let (norm, attention) = (try LayerNorm(8), try MultiHeadAttention(8, heads: 2))
        try golden.fill(norm, "attention", names: ["weight": "norm_weight", "bias": "norm_bias"])
        try golden.fill(attention, "attention")
        let x = try golden.tensor("attention.x").requiringGrad()
        let normed = try norm(x)
        let y = try x.adding(attention(normed, normed, causal: true, training: true))
        try golden.expect(y, "attention.y")
        try y.backward(from: golden.tensor("attention.upstream"))
        try golden.expect(x.gradient, "attention.x_grad")
        try golden.expectGradients(norm, "attention", names: ["weight": "norm_weight", "bias": "norm_bias"])
        try golden.expectGradients(attention, "attention")
    }

    @Test func losses() throws {
        let (scores, other) = (try golden.tensor("loss.scores"), try golden.tensor("loss.other"))
        try golden.expect(Loss.binaryCrossEntropy(scores, golden.tensor("loss.labels")), "loss.bce")
        try golden.expect(Loss.bayesianPersonalizedRanking(scores, other), "loss.bpr")
        try golden.expect(Loss.meanSquaredError(scores, other), "loss.mse")
    }

    private func parameters() throws -> [(name: String, tensor: Tensor)] {
        try (0..<2).map { ("\($0)", try golden.tensor("step.start.\($0)").requiringGrad()) }
    }

    @Test(arguments: ["adam", "adamw", "sgd", "plain"]) func optimizers(kind: String) throws {
        let parameters = try parameters()
        var options = Adam.Options(learningRate: 0.05)
        options.weightDecay = 0.01
        let optimizer: any Optimizer
        switch kind {
        case "adam": optimizer = try Adam(parameters, options)
        case "adamw":
            (options.weightDecay, options.decoupled, options.beta1, options.beta2) = (0.1, true, 0.8, 0.99)
            optimizer = try Adam(parameters, options)
        case "sgd": optimizer = try SGD(parameters, learningRate: 0.1, momentum: 0.9, weightDecay: 0.01)
        default: optimizer = try SGD(parameters, learningRate: 0.1)
        }
        for step in 0..<3 {
            for (number, parameter) in parameters.enumerated() {
                let gradient = try golden.tensor("step.gradient.\(step).\(number)")
                try parameter.tensor.setGradient(step == 1 && number == 1 ? nil : gradient)
            }
            try optimizer.step()
        }
        for (number, parameter) in parameters.enumerated() {
            try golden.expect(parameter.tensor, "step.\(kind).\(number)")
        }
    }

    @Test func clipping() throws {
        let gradients = try (0..<2).map { try golden.tensor("step.gradient.0.\($0)") }
        try golden.expect(clipGradients(gradients, to: 0.5), "clip.norm")
        for (number, gradient) in gradients.enumerated() { try golden.expect(gradient, "clip.\(number)") }
        // A norm within bounds changes nothing.
        let before = try gradients[0].array(of: Float.self)
        try clipGradients(gradients, to: 10)
        #expect(try gradients[0].array(of: Float.self) == before)
    }
}
