import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Testing
import Training

/// Steps of Adam against PyTorch's (`golden/make.py`).
@Suite struct AdamGoldenTests {
    static let folder = Files.parent(#filePath) + "/golden"

    @Test(arguments: InstructionSet.allCases.filter { $0 <= .best }) func lazyMomentsAreThoseOfSparseAdam(
        isa: InstructionSet
    )
        throws
    {
        var options = MatrixFactorizationOptions(optimizer: .adam)
        options.learningRate = 0.05
        options.regularization = 0
        options.biasRegularization = 0
        try compare("adam_sparse", options, batches: 3, isa)
    }

    @Test(arguments: InstructionSet.allCases.filter { $0 <= .best }) func decayAndClippingAreThoseOfAdam(
        isa: InstructionSet
    )
        throws
    {
        var options = MatrixFactorizationOptions(optimizer: .adam)
        options.learningRate = 0.02
        options.regularization = 0.01
        options.biasRegularization = 0.01
        options.clipNorm = 0.5
        try compare("adam_dense", options, batches: 4, isa)
    }

    private func compare(_ name: String, _ base: MatrixFactorizationOptions, batches: Int, _ isa: InstructionSet) throws
    {
        let golden = try SafeTensorsFile("\(Self.folder)/\(name).safetensors")
        var options = base
        let shape = try golden.tensor("start.user_factors").shape
        options.factors = shape[1]
        options.decay = .factor(1)
        let (users, items) = (shape[0], try golden.tensor("start.item_factors").shape[0])
        let log = InteractionLog(
            users: Vocabulary(.integers((0..<users).map { Int64($0) })),
            items: Vocabulary(.integers((0..<items).map { Int64($0) })),
            userRows: try golden.tensor("users").int64s().map { UInt32($0) },
            itemRows: try golden.tensor("items").int64s().map { UInt32($0) },
            values: try golden.tensor("values").floats(), times: nil)
        let trainer = AdamTrainer(
            history: log.userMatrix(), validation: nil, options: options, workers: Workers(threads: 2), isa: isa)

        // The trainer's own state, with PyTorch's starting weights.
        let temporary = try Files.makeTemporaryFolder()
        defer { try? Files.remove(temporary) }
        let start = try trainer.weights.map { tensor in
            guard tensor.name != "global_mean" else { return tensor }
            return TensorSource(
                name: tensor.name, try golden.tensor("start." + tensor.name).floats(), shape: tensor.shape)
        }
        try SafeTensors.write(start, to: temporary + "/start.safetensors")
        try SafeTensors.write(trainer.optimizerState, to: temporary + "/optimizer.safetensors")
        try trainer.restore(
            weights: SafeTensorsFile(temporary + "/start.safetensors"),
            optimizer: SafeTensorsFile(temporary + "/optimizer.safetensors"))

        let losses = try golden.tensor("losses").doubles()
        for batch in 0..<batches {
            let chosen = try golden.tensor("batch.\(batch)").int64s().map { UInt32($0) }
            let squares = trainer.learn(chosen[...], epoch: 1, step: batch)
            #expect(abs(squares / Double(chosen.count) - losses[batch]) < 1e-5)
        }
        try SafeTensors.write(trainer.weights, to: temporary + "/end.safetensors")
        let end = try SafeTensorsFile(temporary + "/end.safetensors")
        for name in ["user_factors", "item_factors", "user_biases", "item_biases"] {
            let (ours, theirs) = (try end.tensor(name).floats(), try golden.tensor("end." + name).floats())
            #expect(zip(ours, theirs).map { abs($0 - $1) }.max()! < 1e-5, "\(name)")
        }
    }
}
