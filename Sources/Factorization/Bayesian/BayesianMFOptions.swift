import Basics

/// Options of ``BayesianMF``.
public struct BayesianMFOptions: Sendable, Equatable {
    /// k, the length of a sample's vectors, biases apart. 16.
    public var factors = 16
    /// Sweeps before the first sample that counts. 50.
    public var burnIn = 50
    /// Sweeps after them; predictions are averaged over all of these. 200.
    public var samples = 200
    /// How many of the samples, evenly spaced, make up the model: its vectors are `keepSamples` × k long. 32.
    public var keepSamples = 32
    /// α, the inverse of the ratings' variance around r̂; nil = drawn anew each sweep.
    public var precision: Double?
    public var seed: UInt64 = 42

    public init() {}

    /// Sweeps in all: what a ``TrainingLoop`` counts as epochs.
    public var epochs: Int { burnIn + samples }

    /// Whether the model has the sample of this epoch: the last of each of `keepSamples` equal stretches.
    func keeps(epoch: Int) -> Bool {
        let sample = epoch - burnIn
        return sample >= 1 && sample * keepSamples / samples > (sample - 1) * keepSamples / samples
    }

    /// - Throws: `usage`, naming the option that is out of its range.
    public func validate() throws {
        func require(_ holds: Bool, _ option: String, _ range: String) throws {
            guard holds else { throw StarlingError(.usage, "\(option) is out of range", remedy: "use \(range)") }
        }
        try require((1...1024).contains(factors), "--factors \(factors)", "1 to 1024")
        try require((0...1_000_000).contains(burnIn), "--burn-in \(burnIn)", "0 to 1000000")
        try require((1...1_000_000).contains(samples), "--samples \(samples)", "1 to 1000000")
        try require(
            (1...samples).contains(keepSamples), "--keep-samples \(keepSamples)",
            "1 to the number of --samples, here \(samples)")
        try require(
            keepSamples * factors <= 1 << 16, "--keep-samples \(keepSamples) with --factors \(factors)",
            "no more than \((1 << 16) / factors) samples of so many factors")
        try require(
            precision.map { $0 > 0 && $0.isFinite } ?? true, "--precision \(precision ?? 0)", "a number above 0")
    }
}
