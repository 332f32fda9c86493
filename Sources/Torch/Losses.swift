/// Losses, each the mean over a batch.
public enum Loss {
    /// −log of the softmax probability of `classes` `[n]` (int64) by `logits` `[n × classes]`. A class of −100 does not count.
    public static func crossEntropy(_ logits: Tensor, _ classes: Tensor) throws -> Tensor {
        try Operators.crossEntropy.tensor(.tensor(logits), .tensor(classes))
    }

    /// Binary cross-entropy of `logits` against `labels` from 0 to 1, of the same shape.
    public static func binaryCrossEntropy(_ logits: Tensor, _ labels: Tensor) throws -> Tensor {
        try Operators.binaryCrossEntropy.tensor(.tensor(logits), .tensor(labels))
    }

    /// Bayesian personalised ranking (Rendle et al. 2009): −log σ(positive − negative).
    public static func bayesianPersonalizedRanking(_ positive: Tensor, _ negative: Tensor) throws -> Tensor {
        try positive.subtracting(negative).logSigmoid().mean().multiplied(by: -1)
    }

    public static func meanSquaredError(_ predicted: Tensor, _ values: Tensor) throws -> Tensor {
        try Operators.meanSquaredError.tensor(.tensor(predicted), .tensor(values))
    }
}
