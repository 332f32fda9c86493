import Basics
import CTorch
import Synchronization

/// An operator of LibTorch by its name in the schema: `aten::add`, overload `Tensor`. All of them can be called.
///
/// ```swift
/// let sum = try TorchOperator("aten::add", "Tensor").tensor(a, b, named: ["alpha": .number(2)])
/// ```
public final class TorchOperator: Sendable {
    public let name: String, overload: String
    /// The address of the plugin's, once it is found.
    private let found = Mutex<UInt?>(nil)

    public init(_ name: String, _ overload: String = "") { (self.name, self.overload) = (name, overload) }

    /// Calls it. Arguments that are not given have the schema's defaults.
    ///
    /// - Throws: `failed`, or `outOfMemory`, with the operator and its arguments' shapes and types.
    @discardableResult
    public func call(
        _ arguments: [TorchValue], named: KeyValuePairs<StaticString, TorchValue> = [:]
    ) throws -> [TorchValue] {
        let library = try TorchLibrary.opened()
        let operation = try handle(library)
        let arguments = CallArguments(arguments, named: named)
        var (results, count): (UnsafePointer<starling_value>?, Int) = (nil, 0)
        try arguments.with { values, given in
            try library.check(library.plugin.table.pointee.call(operation, values, given, &results, &count))
        }
        return (0..<count).map { Self.value(results![$0], library) }
    }

    /// Calls it for its one tensor.
    public func tensor(
        _ arguments: TorchValue..., named: KeyValuePairs<StaticString, TorchValue> = [:]
    ) throws -> Tensor {
        guard case .tensor(let result)? = try call(arguments, named: named).first else {
            throw StarlingError(.failed, "\(name) gave no tensor")
        }
        return result
    }

    private func handle(_ library: TorchLibrary) throws -> OpaquePointer {
        try found.withLock { found in
            if found == nil {
                var handle: OpaquePointer?
                try library.check(library.plugin.table.pointee.find(name, overload, &handle))
                found = UInt(bitPattern: handle)
            }
            return OpaquePointer(bitPattern: found!)!
        }
    }

    private static func value(_ value: starling_value, _ library: TorchLibrary) -> TorchValue {
        switch Int(value.kind) {
        case STARLING_TENSOR: .tensor(Tensor(value.value.tensor, library))
        case STARLING_INTEGER: .integer(Int(value.value.integer))
        case STARLING_NUMBER: .number(value.value.number)
        case STARLING_BOOLEAN: .bool(value.value.integer != 0)
        default: .none
        }
    }
}
