package import Formats
package import Kernels
package import Torch

/// A network over the places of histories, of which two are here: ``SequenceNetwork`` and ``EncoderNetwork``.
package protocol SequenceModel: Module {
    /// - Returns: `[places × width]`
    func callAsFunction(_ inputs: SequenceInputs, _ step: SequenceStep) throws -> Tensor

    /// - Parameter places: what the network made of the batch.
    /// - Returns: `[]`: the mean loss of what comes next.
    func loss(_ places: Tensor, _ batch: SequenceSamples.Batch) throws -> Tensor

    /// `[items × dimensions]`: what queries are multiplied with.
    func itemVectors() throws -> FactorTable

    /// The width of ``itemVectors()``.
    var queryWidth: Int { get }

    /// What meets ``itemVectors()``, of a place's floats.
    func query(_ place: ArraySlice<Float>) -> [Float]
}

extension SequenceModel {
    package var weights: [TensorSource] { parameters.map { TensorSource($0) } }

    func restore(_ file: SafeTensorsFile) throws {
        for parameter in parameters { try parameter.tensor.restore(parameter.name, from: file) }
    }

    /// Normal numbers of Glorot & Bengio's deviation in matrices, zeros in biases, ones in norms; the same on every device.
    func fill(seed: UInt64) throws {
        for (index, (name, tensor)) in parameters.enumerated() {
            if tensor.shape.count == 2 {
                let deviation = (2 / Double(tensor.shape[0] + tensor.shape[1])).squareRoot()
                try tensor.fillNormal(deviation: deviation, seed: seed, index: UInt64(index))
            } else if name.hasSuffix(".bias") {
                _ = try withoutGradients { try tensor.zeroInPlace() }
            }
        }
    }
}
