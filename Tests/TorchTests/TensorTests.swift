import Basics
import Foundation
import Testing
import Torch

@Suite(torch, .serialized) struct TensorTests {
    @Test func elementsComeBack() throws {
        let floats = try Tensor([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
        #expect(floats.shape == [2, 3] && floats.count == 6 && floats.dtype == .float32 && floats.device == .cpu)
        #expect(try floats.transposed().array(of: Float.self) == [1, 4, 2, 5, 3, 6])
        #expect(try Tensor([] as [Int64], [0, 3]).array(of: Int64.self) == [])
        #expect(try Tensor([7] as [Int32], []).item() == 7)
        #expect(try Tensor.range(4).array(of: Int64.self) == [0, 1, 2, 3])
        #expect(try Tensor.full([2], 0.5, .float64).array(of: Double.self) == [0.5, 0.5])
        #expect(try floats.to(.bfloat16).to(.float32).array(of: Float.self) == [1, 2, 3, 4, 5, 6])
        try floats.withMemory(as: Float.self) { $0[5] = 60 }
        #expect(try floats.narrowed(axis: 1, from: 2, count: 1).array(of: Float.self) == [3, 60])
        #expect("\(floats)" == "float32 [2, 3]")
        #expect { try floats.transposed().withMemory(as: Float.self) { _ in } } throws: { "\($0)".contains("[3, 2]") }
    }

    /// Memory of ours is a tensor's, and is kept as long as one uses it.
    @Test func memoryIsShared() throws {
        final class Owner {
            let memory = UnsafeMutablePointer<Float>.allocate(capacity: 6)
            deinit { memory.deallocate() }
        }
        var owner: Owner? = Owner()
        weak let watched = owner
        owner!.memory.initialize(repeating: 2, count: 6)
        var tensor: Tensor? = try Tensor.sharing(owner!.memory, [3, 2], of: owner!)
        owner = nil
        var row: Tensor? = try tensor!.narrowed(axis: 0, from: 2, count: 1)
        try row!.multiplyInPlace(by: 3)
        #expect(watched?.memory[4] == 6 && watched?.memory[3] == 2)
        tensor = nil
        #expect(watched != nil)
        row = nil
        #expect(watched == nil)
    }

    @Test func errorsCarryOperatorShapesAndTypes() throws {
        let (one, other) = (try Tensor.zeros([3, 4]), try Tensor.zeros([5, 6], .float64))
        #expect { try one.matmul(other) } throws: {
            let text = "\($0)"
            return text.contains("aten::matmul(Float [3, 4], Double [5, 6])") && !text.contains("\n")
        }
        #expect { try TorchOperator("aten::no_such").call([]) } throws: {
            "\($0)".contains("no operator aten::no_such")
        }
        #expect { try TorchOperator("aten::relu").call([]) } throws: { "\($0)".contains("self is missing") }
        #expect { try TorchOperator("aten::relu").call([.tensor(one)], named: ["what": .none]) } throws: {
            "\($0)".contains("no argument what")
        }
        #expect { try one.backward() } throws: { "\($0)".contains("backward") }
        // 2⁵⁰ elements are more than any memory.
        #expect { try Tensor.empty([1 << 50]) } throws: { ($0 as? StarlingError)?.code == .outOfMemory }
    }

    /// Every kind of argument and result.
    @Test func operatorsTakeWhatTheirSchemaSays() throws {
        let x = try Tensor([3, 1, 2] as [Float], [3])
        let sorted = try TorchOperator("aten::sort").call([.tensor(x), .integer(0), .bool(true)])
        guard case .tensor(let values) = sorted[0], case .tensor(let places) = sorted[1] else {
            Issue.record("sort gives two tensors")
            return
        }
        #expect(try values.array(of: Float.self) == [3, 2, 1] && places.array(of: Int64.self) == [0, 2, 1])
        let parts = try TorchOperator("aten::split", "Tensor").call([.tensor(x), .integer(2)])
        #expect(parts.count == 2)
        // An index list with nothing at the first axis.
        let table = try Tensor([1, 2, 3, 4] as [Float], [2, 2])
        let column = try TorchOperator("aten::index", "Tensor")
            .tensor(.tensor(table), .tensors([nil, Tensor([1] as [Int64], [1])]))
        #expect(try column.array(of: Float.self) == [2, 4])
        // A whole number where the schema has a float, a scale that is none, and a text.
        let interpolated = try TorchOperator("aten::div", "Tensor_mode")
            .tensor(.tensor(x), .tensor(Tensor(2)), named: ["rounding_mode": .text("floor")])
        #expect(try interpolated.array(of: Float.self) == [1, 0, 1])
        guard case .bool(true)? = try TorchOperator("aten::equal").call([.tensor(x), .tensor(x)]).first,
            case .integer(3)? = try TorchOperator("aten::size", "int").call([.tensor(x), .integer(0)]).first
        else {
            Issue.record("equal is a bool, a size an integer")
            return
        }
    }

    @Test func gradientsAreRecordedWhereAsked() throws {
        let x = try Tensor([2, 3] as [Float], [2]).requiringGrad()
        try x.multiplied(by: x).sum().backward()
        #expect(try x.gradient?.array(of: Float.self) == [4, 6])
        try x.multiplied(by: 1).sum().backward()
        #expect(try x.gradient?.array(of: Float.self) == [5, 7])
        try x.setGradient(nil)
        #expect(try x.gradient == nil)
        #expect(try withoutGradients { try x.multiplied(by: x) }.requiresGrad == false)
        #expect(try x.multiplied(by: x).requiresGrad && !x.detached().requiresGrad)
        // Two roots of one loss, with gradients from outside.
        let (one, two) = (try x.multiplied(by: 2), try x.multiplied(by: x))
        let upstream = try Tensor([1, 10] as [Float], [2])
        try Tensor.backward([(one, upstream), (two, upstream)])
        #expect(try x.gradient?.array(of: Float.self) == [2 + 4, 20 + 60])
    }

    @Test func autocastComputesInHalfOfTheBits() throws {
        let x = try Tensor([Float](repeating: 1.001, count: 64), [8, 8])
        for (precision, dtype) in [(Precision.fp32, DType.float32), (.bf16, .bfloat16)] {
            let product = try precision.autocast(on: .cpu) { try x.matmul(x) }
            #expect(product.dtype == dtype)
        }
        #expect(try x.matmul(x).dtype == .float32)
    }

    @Test func overflowIsSkippedAndScalesBackOff() throws {
        let scaler = try GradientScaler(initial: 8, interval: 2, on: .cpu)
        let weight = try Tensor([1, 1] as [Float], [2]).requiringGrad()
        let optimizer = try Adam([("weight", weight)])
        func step(_ gradients: [Float]) throws {
            try weight.setGradient(Tensor(gradients, [2]))
            try scaler.unscale([weight.gradient!])
            try optimizer.step(scaler)
            try scaler.update()
        }
        #expect(try scaler.scaled(Tensor(3)).item() == 24)
        try step([.infinity, 1])
        #expect(try weight.array(of: Float.self) == [1, 1] && scaler.scale.item() == 4)
        let count = try #require(optimizer.state.first { $0.name == "weight.step" })
        #expect(try count.tensor.item() == 0)
        try step([4, -4])
        let stepped = try weight.array(of: Float.self)
        #expect(abs(stepped[0] - 0.999) < 1e-6 && abs(stepped[1] - 1.001) < 1e-6)
        try step([4, 4])
        #expect(try scaler.scale.item() == 8 && count.tensor.item() == 2)
    }

    @Test func randomNumbersAreOfTheirSeed() throws {
        let library = try TorchLibrary.opened()
        func draw() throws -> [Float] { try Tensor.zeros([5]).normalInPlace(deviation: 1).array() }
        try library.seed(3)
        let first = try draw()
        let state = try Device.cpu.randomState()
        let second = try draw()
        try library.seed(3)
        #expect(try draw() == first)
        try Device.cpu.setRandomState(state)
        #expect(try draw() == second && second != first)
    }

    /// 10,000 steps of training leave no tensor behind, and no memory: in a process of its own, where nobody else has any.
    @Test func nothingLeaks() async {
        await #expect(processExitsWith: .success) {
            let library = try TorchLibrary.opened()
            func resident() throws -> Int {
                let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
                return Int(pages)! * 4096
            }
            do {
                let layers = (try Linear(16, 32), try Linear(32, 4))
                let optimizer = try Adam(named("0", layers.0) + named("1", layers.1))
                let (x, y) = (try Tensor.zeros([8, 16]).normalInPlace(deviation: 1), try Tensor.zeros([8, 4]))
                func steps(_ count: Int) throws {
                    for _ in 0..<count {
                        try Loss.meanSquaredError(layers.1(layers.0(x).relu()), y).backward()
                        try optimizer.step()
                        try layers.0.clearGradients()
                        try layers.1.clearGradients()
                    }
                }
                try steps(1000)
                let (before, tensors) = (try resident(), library.tensorsHeld)
                try steps(10_000)
                #expect(library.tensorsHeld == tensors)
                #expect(try resident() - before < 4 << 20)
            }
            #expect(library.tensorsHeld == 0)
        }
    }

    @Test func devicesThatAreNotThereAreRefused() throws {
        try Device.cpu.require()
        #expect(Device("cuda:3") == .cuda(3) && Device("gpu") == nil && Device("cuda:x") == nil)
        #expect { try Device.cuda(100).require() } throws: { ($0 as? StarlingError)?.code == .unavailable }
    }
}
