import Basics

extension MDSEncoding {
    /// Appends the cell that stands for the value, as the package's `mds_encode` makes it.
    ///
    /// Numbers are taken where they fit: a whole number where a floating-point one is expected, but not the other way
    /// round. `.bytes` is taken for any encoding as a cell already encoded, if it is a valid one.
    /// - Throws: `badData`, without a place, saying what the value is and what is expected.
    public func encode(_ value: MDSValue, into cell: inout [UInt8]) throws {
        switch (self, value) {
        case (_, .bytes(let bytes)):
            if self != .bytes { _ = try bytes.withUnsafeBytes { try decode($0) } }
            cell.append(contentsOf: bytes)
        case (.string, .string(let text)), (.json, .json(let text)):
            let start = cell.count
            cell.append(contentsOf: text.utf8)
            if self == .json { try cell.withUnsafeBytes { try MDSText.checkJSON(.init(rebasing: $0[start...])) } }
        case (.int, _): try Self.append(value, as: .int64, to: &cell)
        case (.number(let type), _): try Self.append(value, as: type, to: &cell)
        case (.integerText, .int(let number)): cell.append(contentsOf: String(number).utf8)
        case (.integerText, .uint(let number)): cell.append(contentsOf: String(number).utf8)
        case (.integerText, .decimal(let digits)) where MDSText.isInteger(digits.utf8),
            (.decimalText, .decimal(let digits)) where MDSText.isDecimal(digits.utf8):
            cell.append(contentsOf: digits.utf8)
        case (.floatText, .float(let number)): cell.append(contentsOf: PythonText.float(number).utf8)
        case (.array(let type, let shape), .array(let array)):
            guard type ?? array.elementType == array.elementType, shape ?? array.shape == array.shape else {
                throw mismatch(value)
            }
            try append(array, to: &cell)
        default: throw mismatch(value)
        }
    }

    private func mismatch(_ value: MDSValue) -> StarlingError {
        StarlingError(.badData, "\(value.kind) cannot be written as \(self)")
    }

    private static func append(_ value: MDSValue, as type: ElementType, to cell: inout [UInt8]) throws {
        func whole<Number: FixedWidthInteger>(_: Number.Type) throws {
            let number: Number?
            switch value {
            case .int(let value): number = Number(exactly: value)
            case .uint(let value): number = Number(exactly: value)
            default: throw MDSEncoding.number(type).mismatch(value)
            }
            guard let number else { throw StarlingError(.badData, "\(value) is outside the range of \(name(type))") }
            cell.appendLittleEndian(number)
        }
        var double: Double {
            get throws {
                switch value {
                case .int(let value): Double(value)
                case .uint(let value): Double(value)
                case .float(let value): value
                default: throw MDSEncoding.number(type).mismatch(value)
                }
            }
        }
        switch type {
        case .uint8: try whole(UInt8.self)
        case .uint16: try whole(UInt16.self)
        case .uint32: try whole(UInt32.self)
        case .uint64: try whole(UInt64.self)
        case .int8: try whole(Int8.self)
        case .int16: try whole(Int16.self)
        case .int32: try whole(Int32.self)
        case .int64: try whole(Int64.self)
        case .float16: cell.appendLittleEndian(UInt16(half: try double))
        case .float32: cell.appendLittleEndian(Float(try double).bitPattern)
        case .float64: cell.appendLittleEndian(try double.bitPattern)
        default: preconditionFailure("MDS has no \(type)")
        }
    }

    /// Type and shape where the column does not fix them, then the elements.
    private func append(_ array: MDSArray, to cell: inout [UInt8]) throws {
        guard case .array(let type, let shape) = self else { return }
        guard 1...63 ~= array.shape.count, array.shape.allSatisfy({ $0 > 0 }) else {
            throw StarlingError(.badData, "an array of shape \(array.shape) has no elements or not 1 to 63 axes")
        }
        if type == nil { cell.append(Self.arrayCodes[array.elementType]!) }
        if shape == nil {
            let width = [1, 2, 4].firstIndex { array.shape.max()! >> (8 * $0) == 0 } ?? 3
            cell.append(UInt8(array.shape.count << 2 | width))
            for extent in array.shape {
                for byte in 0..<1 << width { cell.append(UInt8(truncatingIfNeeded: extent >> (8 * byte))) }
            }
        }
        cell.append(contentsOf: array.bytes)
    }

    /// What a cell calls its element type where the column does not.
    static let arrayCodes: [ElementType: UInt8] = [
        .uint8: 8, .int8: 9, .uint16: 16, .int16: 17, .float16: 18, .uint32: 32, .int32: 33, .float32: 34,
        .uint64: 64, .int64: 65, .float64: 66,
    ]
    static let arrayTypes = Dictionary(uniqueKeysWithValues: arrayCodes.map { ($1, $0) })
}

extension UInt16 {
    /// The bits of the binary16 number nearest to `value`, ties to even; the inverse of `Float(half:)`.
    package init(half value: Double) {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = value.magnitude
        if value.isNaN {
            self = sign | 0x7E00
        } else if magnitude >= 65520 {
            self = sign | 0x7C00
        } else if magnitude < 0x1p-14 {
            self = sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
        } else {
            let exponent = Int(magnitude.exponent)
            let mantissa = (magnitude.significand * 1024).rounded(.toNearestOrEven)
            // A mantissa rounded up to 2048 carries into the exponent.
            self = sign | (UInt16(exponent + 15) << 10 + UInt16(mantissa) - 1024)
        }
    }
}
