import Basics
import Formats
import Testing
import Torch

/// Values that PyTorch gave (golden/make.py).
struct Golden {
    private let file: SafeTensorsFile

    init() throws { file = try SafeTensorsFile(Files.parent(#filePath) + "/golden/torch.safetensors") }

    func floats(_ name: String) throws -> [Float] { try file.tensor(name).floats() }

    /// A new tensor of float32 or int64.
    func tensor(_ name: String) throws -> Tensor {
        let view = try file.tensor(name)
        if view.elementType == .int64 { return try Tensor(view.int64s(), view.shape) }
        return try Tensor(view.floats(), view.shape)
    }

    /// Fills a module's parameters from `prefix.NAME`.
    func fill(_ module: any Module, _ prefix: String, names: [String: String] = [:]) throws {
        try withoutGradients {
            for (name, parameter) in module.parameters {
                try parameter.copyInPlace(from: tensor("\(prefix).\(names[name] ?? name)"))
            }
        }
    }

    /// Expects elements within 1e-5 of PyTorch's, of their size or absolutely.
    func expect(_ tensor: Tensor?, _ name: String, _ location: SourceLocation = #_sourceLocation) throws {
        let tensor = try #require(tensor, sourceLocation: location)
        let (found, expected) = (try tensor.array(of: Float.self), try floats(name))
        #expect(try tensor.shape == file.tensor(name).shape, sourceLocation: location)
        for (one, other) in zip(found, expected) where !(abs(one - other) <= 1e-5 * max(1, abs(other))) {
            Issue.record("\(name): \(one), PyTorch has \(other)", sourceLocation: location)
            return
        }
    }

    /// Expects the gradients of a module's parameters.
    func expectGradients(
        _ module: any Module, _ prefix: String, names: [String: String] = [:],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        for (name, parameter) in module.parameters {
            try expect(parameter.gradient, "\(prefix).\(names[name] ?? name)_grad", location)
        }
    }
}

/// Whether the plugin and its LibTorch are there: `make torch` builds it. Tests of it are skipped otherwise, and their number
/// shows it.
let torch: ConditionTrait = .enabled(if: (try? TorchLibrary.opened()) != nil, "run `make torch` for these tests")
