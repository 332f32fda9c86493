package import Basics
package import Formats
import Kernels
package import Torch

/// Tables on a device, worked on by operators of LibTorch. The same rows, formulas and checkpoints as ``KernelEmbeddings``,
/// so that a run may go on elsewhere; sums of gradients may differ in the last bits. Each of several ranks has all tables, and
/// changes them by the gradients of all.
package final class DeviceEmbeddings: EmbeddingCollection {
    private struct Table {
        let name: String
        /// `[rows × width]`
        let vectors: Tensor
        /// `[rows]`, as in ``sk_embed``; nil where it is not used.
        let rows: Tensor?
        /// `[rows × stride]`: sums, or `[rows × 2·stride]`: moments; nil where it is not used.
        let state: Tensor?
    }

    private let tables: [Table]
    private let width: Int
    private let optimizer: EmbeddingOptimizer
    private let device: Device
    private let ranks: any Communicator

    private static let meanAxes = TorchOperator("aten::mean", "dim")
    private static let power = TorchOperator("aten::pow", "Scalar")

    package init(
        _ features: [FeatureBags], width: Int, _ optimizer: EmbeddingOptimizer, seed: UInt64, stream: UInt64,
        on device: Device, ranks: any Communicator = OneRank()
    ) throws {
        (self.width, self.optimizer, self.device, self.ranks) = (width, optimizer, device, ranks)
        let stride = FactorTable.stride(width)
        tables = try features.enumerated().map { index, bags in
            let start = EmbeddingTable.initial(
                rows: 0..<bags.tableRows, columns: 0..<width, width: width, seed: seed,
                index: stream << 32 | UInt64(index))
            let floats = optimizer.stateWidth(stride: stride)
            return Table(
                name: bags.name, vectors: try start.tensor(on: device),
                rows: optimizer.hasRowState ? try Tensor.zeros([bags.tableRows], on: device) : nil,
                state: floats > 0 ? try Tensor.zeros([bags.tableRows, floats], on: device) : nil)
        }
    }

    package func pooled(_ inputs: [EmbeddingInput]) throws -> Tensor {
        try withoutGradients {
            let features = try zip(tables, inputs).map { table, input in
                guard input.bags.offsets != nil else {
                    let rows = input.entities.map { Int64(input.bags.values[Int($0)]) }
                    return try table.vectors.selecting(indices(rows))
                }
                var (rows, samples, shares): ([Int64], [Int64], [Float]) = ([], [], [])
                for (sample, entity) in input.entities.enumerated() {
                    let bag = input.bags.bag(entity)
                    for row in bag {
                        rows.append(Int64(row))
                        samples.append(Int64(sample))
                        shares.append(1 / Float(bag.count))
                    }
                }
                let parts = try table.vectors.selecting(indices(rows)).multiplied(by: column(shares))
                return try summed(parts, at: indices(samples), count: input.entities.count)
            }
            return features.count == 1 ? features[0] : try Tensor.concatenated(features, axis: 1)
        }
    }

    package func update(_ inputs: [EmbeddingInput], _ gradient: Tensor) throws {
        try withoutGradients {
            for (index, (table, input)) in zip(tables, inputs).enumerated() {
                let touched = TouchedRows(input.bags, input.entities)
                var groups: [Int64] = []
                for group in touched.rows.indices {
                    let count = touched.starts[group + 1] - touched.starts[group]
                    groups.append(contentsOf: repeatElement(Int64(group), count: Int(count)))
                }
                var parts = try gradient.narrowed(axis: 1, from: index * width, count: width)
                    .selecting(indices(touched.samples.map { Int64($0) }))
                if input.bags.offsets != nil { parts = try parts.multiplied(by: column(touched.weights)) }
                let own = try summed(parts, at: indices(groups), count: touched.rows.count)
                let (rows, gradients) = try total(touched.rows, own)
                try change(table, rows: indices(rows.map { Int64($0) }), by: gradients)
            }
        }
    }

    /// The rows that any rank has a gradient of, rising, and the sums of their gradients, `[rows × width]`: added up in the order
    /// of ranks, so that all make the same change.
    private func total(_ own: [UInt32], _ gradients: Tensor) throws -> (rows: [UInt32], gradients: Tensor) {
        guard ranks.size > 1 else { return (own, gradients) }
        let all = try own.withUnsafeBufferPointer { try ranks.gathered($0) }
        let rows = Set(all.joined()).sorted()
        let parts = all.map(\.count).places
        let received = try gradients.gathered(parts, from: ranks)
        let sums = try Tensor.zeros([rows.count, width], on: device)
        for (some, part) in zip(all, parts) {
            let places = some.map { Int64(rows.place(ofFirst: Int($0))) }
            try sums.addToRows(indices(places), received.narrowed(axis: 0, from: part.lowerBound, count: part.count))
        }
        return (rows, sums)
    }

    /// The change of rows by their gradients, as `sk_embed` states it.
    private func change(_ table: Table, rows: Tensor, by gradient: Tensor) throws {
        let rate = optimizer.learningRate
        switch optimizer.kind {
        case .sgd: try table.vectors.addToRows(rows, gradient, times: -rate)
        case .rowWiseAdagrad:
            let squares = try Self.meanAxes.tensor(
                .tensor(gradient.multiplied(by: gradient)), .integers([1]), .bool(false))
            let sums = try table.rows!.selecting(rows).adding(squares)
            try table.rows!.setRows(rows, sums)
            let steps = try root(sums).reshaped([sums.count, 1])
            try table.vectors.addToRows(rows, gradient.divided(by: steps), times: -rate)
        case .adagrad:
            let before = try table.state!.selecting(rows)
            let sums = try before.narrowed(axis: 1, from: 0, count: width)
                .addInPlace(gradient.multiplied(by: gradient))
            try table.state!.setRows(rows, before)
            try table.vectors.addToRows(rows, gradient.divided(by: root(sums)), times: -rate)
        case .adam:
            let stride = FactorTable.stride(width)
            let moments = try table.state!.selecting(rows)
            let first = try moments.narrowed(axis: 1, from: 0, count: width)
            let second = try moments.narrowed(axis: 1, from: stride, count: width)
            try first.addInPlace(gradient.subtracting(first), times: 0.1)
            try second.addInPlace(gradient.multiplied(by: gradient).subtracting(second), times: 0.001)
            let steps = try table.rows!.selecting(rows).adding(1)
            try table.state!.setRows(rows, moments)
            try table.rows!.setRows(rows, steps)
            let correction = (
                try oneLess(0.9, to: steps), try oneLess(0.999, to: steps).squareRoot()
            )
            let root = try second.squareRoot().divided(by: correction.1).adding(optimizer.epsilon)
            try table.vectors.addToRows(
                rows, first.divided(by: correction.0).divided(by: root), times: -rate)
        }
    }

    /// 1 − base^steps, `[steps × 1]`.
    private func oneLess(_ base: Double, to steps: Tensor) throws -> Tensor {
        try Self.power.tensor(.number(base), .tensor(steps)).multiplied(by: -1).adding(1).reshaped([steps.count, 1])
    }

    private func root(_ sums: Tensor) throws -> Tensor {
        try sums.squareRoot().adding(optimizer.epsilon)
    }

    private func summed(_ parts: Tensor, at places: Tensor, count: Int) throws -> Tensor {
        try Tensor.zeros([count, width], on: device).addToRows(places, parts)
    }

    private func indices(_ rows: [Int64]) throws -> Tensor { try .indices(rows, on: device) }
    private func column(_ shares: [Float]) throws -> Tensor { try Tensor(shares, [shares.count, 1]).to(nil, device) }

    package func weights(_ prefix: String) -> [TensorSource] {
        tables.map { TensorSource((prefix + $0.name, $0.vectors)) }
    }

    package func optimizerState(_ prefix: String) -> [TensorSource] {
        tables.flatMap { state($0, prefix) }.map { TensorSource($0) }
    }

    package func restore(_ prefix: String, weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        for table in tables {
            try table.vectors.restore(prefix + table.name, from: weights)
            for (name, tensor) in state(table, prefix) { try tensor.restore(name, from: optimizer) }
        }
    }

    private func state(_ table: Table, _ prefix: String) -> [(name: String, tensor: Tensor)] {
        let name = prefix + table.name
        return (table.rows.map { [(name + ".rows", $0)] } ?? [])
            + (table.state.map { [(name + optimizer.stateName, $0)] } ?? [])
    }
}
