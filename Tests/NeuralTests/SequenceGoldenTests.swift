import Basics
import Formats
import Kernels
import Neural
import Testing
import Torch

/// SSE-PT and SASRec against PyTorch (golden/make_transformer.py): states, the loss, every gradient, ten losses of Adam.
@Suite(torch) struct SequenceGoldenTests {
    struct Variant: Sendable, CustomTestStringConvertible {
        let name: String
        var weights = "weights", loss = SSEPTOptions.LossKind.bce
        var userDim = 4, negatives = 1, dropout = 0.0
        var attendsToPadding = false, avoidsKernels = false
        var testDescription: String { name + (avoidsKernels ? ", by operators" : "") }
    }

    static let variants: [Variant] = [
        Variant(name: "excluded"), Variant(name: "attended", attendsToPadding: true),
        Variant(name: "dropped", dropout: 0.2), Variant(name: "gbce", loss: .gbce, negatives: 4),
        Variant(name: "softmax", loss: .softmax, negatives: 0),
        Variant(name: "sampled", loss: .sampledSoftmax, negatives: 4),
        Variant(name: "plain", weights: "plain.weights", userDim: 0, attendsToPadding: true),
        Variant(name: "excluded", avoidsKernels: true),
        Variant(name: "attended", attendsToPadding: true, avoidsKernels: true),
        Variant(name: "gbce", loss: .gbce, negatives: 4, avoidsKernels: true),
    ]

    private let file: SafeTensorsFile

    init() throws { file = try SafeTensorsFile(Files.parent(#filePath) + "/golden/transformer.safetensors") }

    @Test(arguments: variants)
    func agreesWithPyTorch(_ variant: Variant) throws {
        var options = SSEPTOptions()
        (options.factors, options.userDim, options.maxLength) = (6, variant.userDim, 9)
        (options.blocks, options.heads, options.dropout) = (2, 2, variant.dropout)
        (options.itemReplacement, options.userReplacement, options.seed) = (0, 0, 7)
        options.loss = variant.loss
        options.negatives = variant.loss == .softmax ? nil : variant.negatives
        (options.attendsToPadding, options.avoidsKernels) = (variant.attendsToPadding, variant.avoidsKernels)
        try options.validate()
        let network = try SequenceNetwork(users: 6, items: 12, options)
        try withoutGradients {
            for (name, parameter) in network.parameters {
                try parameter.copyInPlace(from: tensor("\(variant.weights).\(golden(name))", like: parameter))
            }
        }
        let batch = try batch(variant, options)
        var adam = Adam.Options(learningRate: 1e-3)
        adam.beta2 = 0.98
        let optimizer = try Adam(network.parameters, adam)
        var losses: [Double] = []
        for step in 0..<10 {
            let pass = try SequenceStep(
                batch.sequences, isPadding: batch.inputs.isPadding, isTraining: true, epoch: 3, options, isa: .best)
            let places = try network(batch.inputs, pass)
            let mean = try network.loss(places, batch)
            try mean.backward()
            losses.append(try mean.item())
            if step == 0 { try expectFirst(variant, places, network, batch) }
            try optimizer.step()
            try network.clearGradients()
        }
        for (found, expected) in zip(losses, try file.tensor("\(variant.name).losses").floats()) {
            #expect(abs(found - Double(expected)) <= 1e-4 * Double(expected))
        }
    }

    private func expectFirst(
        _ variant: Variant, _ places: Tensor, _ network: SequenceNetwork, _ batch: SequenceSamples.Batch
    ) throws {
        if variant.loss == .bce {
            let states = try file.tensor("\(variant.name).states").floats()
            let (width, found) = (places.shape[1], try places.array(of: Float.self))
            for (index, place) in try scored().enumerated() {
                for column in 0..<width {
                    let (one, other) = (
                        found[Int(batch.scored[index]) * width + column], states[place * width + column]
                    )
                    try #require(abs(one - other) <= 2e-5 * max(1, abs(other)), "state \(index), \(column)")
                }
            }
        }
        for (name, parameter) in network.parameters {
            let expected = try tensor("\(variant.name).grad.\(golden(name))", like: parameter).array(of: Float.self)
            let found = try #require(try parameter.gradient, "\(name)").array(of: Float.self)
            let size = expected.reduce(0) { max($0, abs($1)) }
            for (one, other) in zip(found, expected) {
                try #require(abs(one - other) <= 1e-4 * max(size, 1e-2), "\(name): \(one), PyTorch has \(other)")
            }
        }
    }

    /// Places of the rectangle `[5 × 9]` that have an item.
    private func scored() throws -> [Int] {
        try file.tensor("batch.positives").int64s().enumerated().filter { $0.element != 0 }.map(\.offset)
    }

    private func batch(_ variant: Variant, _ options: SSEPTOptions) throws -> SequenceSamples.Batch {
        let sequences = try file.tensor("batch.sequences").int64s()
        let users = try file.tensor("batch.users").int64s()
        var (inputs, places) = (SequenceInputs(options), [Int64]())
        for row in 0..<5 {
            let window = sequences[(row * 9)..<(row * 9 + 9)].filter { $0 != 0 }.map { UInt32($0 - 1) }
            places += inputs.append(window[...], user: Int(users[row]) - 1).map { Int64($0) }
        }
        let positives = try file.tensor("batch.positives").int64s()
        let name = variant.negatives == 4 ? "batch.more_negatives" : "batch.negatives"
        let negatives = try file.tensor(name).int64s()
        let candidates = try scored().flatMap { place -> [UInt32] in
            let drawn = (0..<options.drawn).map { negatives[place * options.drawn + $0] }
            return ([positives[place]] + drawn).map { UInt32($0 - 1) }
        }
        return SequenceSamples.Batch(
            inputs: inputs, sequences: inputs.sequences(firstNumber: 40), scored: places, candidates: candidates)
    }

    /// PyTorch's tensor; tables there begin with a row for nothing.
    private func tensor(_ name: String, like parameter: Tensor) throws -> Tensor {
        let view = try file.tensor(name)
        let (rows, wanted) = (view.shape[0], parameter.shape[0])
        let width = view.count / rows
        return try Tensor(Array(view.floats().dropFirst((rows - wanted) * width)), parameter.shape)
    }

    private func golden(_ name: String) -> String {
        var parts = name.split(separator: ".").map(String.init)
        let tables = ["items": "item", "users": "user", "positions": "position", "final_norm": "norm"]
        if let table = tables[parts[0]] { return parts[0] == "final_norm" ? "norm." + parts[1] : table }
        parts[0] = "block"
        if parts[2] == "feed_forward_norm" { parts[2] = "forward_norm" }
        if ["query", "key", "value", "output"].contains(parts[2]) { parts.insert("attention", at: 2) }
        return parts.joined(separator: ".")
    }
}
