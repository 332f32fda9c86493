import Basics
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch

/// State dicts around PyTorch's TransformerEncoder, and what PyTorch computes by them (golden/make_encoder.py).
@Suite(torch) struct EncoderGoldenTests {
    private let folder = Files.parent(#filePath) + "/golden/"
    private let users = Vocabulary<UserRow>((0..<7).map { "\($0)" })
    private let items = Vocabulary<ItemRow>((0..<12).map { "\($0)" })

    /// Logits of all items at each place of `sequences`, of the users beside them.
    private func logits(_ file: String, _ sequences: [[UInt32]], _ owners: [Int64]) throws -> [Float] {
        let retraining = try Retraining(folder + file)
        var options = SSEPTOptions()
        options.architecture = .encoder
        (options.factors, options.userDim) = (retraining.shape.factors, retraining.shape.userDim)
        (options.blocks, options.heads, options.loss) = (retraining.shape.blocks, 2, .softmax)
        (options.feedForward, options.dropout) = (retraining.shape.feedForward!, 0)
        try options.validate()
        let network = try EncoderNetwork(users: 7, items: 12, options)
        let fates = try retraining.load(into: network, users: users, items: items)
        #expect(fates.allSatisfy { $0.outcome == .loaded || $0.name == "item_embedding_layer.weight" }, "\(fates)")
        var inputs = SequenceInputs(options)
        for (sequence, owner) in zip(sequences, owners) { inputs.append(sequence[...], user: Int(owner)) }
        let step = try SequenceStep(inputs.sequences(), isTraining: false, options, isa: .best)
        let places = try network(inputs, step)
        let (width, found) = (places.shape[1], try places.array(of: Float.self))
        let table = try network.itemVectors()
        return (0..<places.shape[0]).flatMap { place -> [Float] in
            let query = network.query(found[(place * width)..<((place + 1) * width)])
            return (0..<12).map { item in zip(query, table.row(item)).reduce(0) { $0 + $1.0 * $1.1 } }
        }
    }

    private func expectSame(_ found: [Float], _ expected: [Float]) {
        #expect(found.count == expected.count)
        for (one, other) in zip(found, expected) where !(abs(one - other) <= 1e-5 * max(1, abs(other))) {
            Issue.record("\(one), PyTorch has \(other)")
            return
        }
    }

    @Test(arguments: ["encoder.pth", "encoder_separate.pth"])
    func usersBesideItems(_ file: String) throws {
        let golden = try SafeTensorsFile(folder + "encoder.safetensors")
        let rows = try golden.tensor("pairs.items").int64s().map { UInt32($0) }
        let sequences = (0..<4).map { Array(rows[($0 * 6)..<($0 * 6 + 6)]) }
        try expectSame(
            logits(file, sequences, golden.tensor("pairs.users").int64s()), golden.tensor("pairs.logits").floats())
    }

    /// Each user alone, however long the history.
    @Test func usersAlone() throws {
        let golden = try SafeTensorsFile(folder + "encoder.safetensors")
        let users = try golden.tensor("users.users").int64s()
        let expected = try golden.tensor("users.logits").floats()
        try expectSame(logits("encoder_users.pth", users.map { _ in [0] }, users), expected)
        let long = try logits("encoder_users.pth", users.map { _ in [4, 2, 9] }, users)
        for user in users.indices {
            expectSame(
                Array(long[(user * 36 + 24)..<(user * 36 + 36)]), Array(expected[(user * 12)..<(user * 12 + 12)]))
        }
    }
}
