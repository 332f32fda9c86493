import CTorch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An argument or a result of an operator.
public enum TorchValue {
    case none
    case tensor(Tensor)
    case integer(Int)
    case number(Double)
    case bool(Bool)
    case integers([Int])
    case numbers([Double])
    case tensors([Tensor?])
    case text(String)
    case device(Device)
    case dtype(DType)

    /// A tensor if there is one.
    public static func tensor(_ tensor: Tensor?) -> TorchValue { tensor.map { .tensor($0) } ?? .none }
}

/// Arguments as the plugin takes them, in memory of their own.
struct CallArguments: ~Copyable {
    private let values: UnsafeMutableBufferPointer<starling_value>
    private var memory: [UnsafeMutableRawPointer] = []

    /// - Parameter named: by the names of the operator's schema.
    init(_ arguments: [TorchValue], named: KeyValuePairs<StaticString, TorchValue>) {
        values = .allocate(capacity: arguments.count + named.count)
        values.initialize(repeating: starling_value())
        for (index, argument) in arguments.enumerated() { set(index, argument) }
        for (index, (name, argument)) in named.enumerated() {
            set(arguments.count + index, argument)
            values[arguments.count + index].name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        }
    }

    deinit {
        values.deallocate()
        for part in memory { part.deallocate() }
    }

    /// Runs `body` with them.
    func with<Result>(_ body: (UnsafePointer<starling_value>?, Int) throws -> Result) rethrows -> Result {
        try body(UnsafePointer(values.baseAddress), values.count)
    }

    private mutating func set(_ index: Int, _ argument: TorchValue) {
        typealias Content = starling_value.__Unnamed_union_value
        func put(_ kind: Int, _ content: Content, count: Int = 0) {
            values[index].kind = Int32(kind)
            values[index].value = content
            values[index].count = count
        }
        switch argument {
        case .none: put(STARLING_NONE, Content())
        case .tensor(let tensor): put(STARLING_TENSOR, Content(tensor: tensor.handle))
        case .integer(let number): put(STARLING_INTEGER, Content(integer: Int64(number)))
        case .number(let number): put(STARLING_NUMBER, Content(number: number))
        case .bool(let flag): put(STARLING_BOOLEAN, Content(integer: flag ? 1 : 0))
        case .dtype(let dtype): put(STARLING_INTEGER, Content(integer: Int64(dtype.rawValue)))
        case .integers(let numbers):
            put(STARLING_INTEGERS, Content(integers: list(numbers.map { Int64($0) })), count: numbers.count)
        case .numbers(let numbers): put(STARLING_NUMBERS, Content(numbers: list(numbers)), count: numbers.count)
        case .tensors(let tensors):
            put(STARLING_TENSORS, Content(tensors: list(tensors.map { $0?.handle })), count: tensors.count)
        case .text(let text): put(STARLING_TEXT, Content(text: list(Array(text.utf8CString))))
        case .device(let device): put(STARLING_DEVICE, Content(text: list(Array(device.description.utf8CString))))
        }
    }

    private mutating func list<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        copy.initialize(from: elements, count: elements.count)
        memory.append(UnsafeMutableRawPointer(copy))
        return UnsafePointer(copy)
    }
}
