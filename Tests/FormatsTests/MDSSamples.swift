import Basics
import Formats

/// The samples of golden/mds/make.py, by the same formulas.
enum MDSSamples {
    static let ratingColumns: [String: MDSEncoding] = ["user": .int64, "item": .int64, "rating": .float32]

    static func rating(_ k: Int) -> [String: MDSValue] {
        ["user": .int(Int64(k * k)), "item": .int(-Int64(k)), "rating": .float(Double(k % 9 + 1) / 2)]
    }

    static func ratings(_ range: Range<Int>) -> [String: MDSVector] {
        [
            "user": .int64(range.map { Int64($0 * $0) }), "item": .int64(range.map { -Int64($0) }),
            "rating": .float32(range.map { Float($0 % 9 + 1) / 2 }),
        ]
    }

    static func text(_ k: Int) -> [String: MDSValue] {
        ["é": .string(String(repeating: "x", count: k * 37 % 50)), "n": .uint(UInt64(k))]
    }

    static var everyColumn: [String: MDSEncoding] {
        get throws {
            Dictionary(uniqueKeysWithValues: try every(0).keys.map { ($0, try MDSEncoding($0)) })
        }
    }

    static func every(_ k: Int) -> [String: MDSValue] {
        let floats = [0.1, -1.5, 65504, 1e-7, -Double.infinity]
        var sample: [String: MDSValue] = [
            "bytes": .bytes(Array(0..<UInt8(k))),
            "str": .string(["", "Amélie", "羅生門", "🎬 film", "a"][k]),
            "int": .int(Int64(k - 2) * 1_000_000_000_000_000),
            "str_int": [
                .int(0), .int(-7), .uint(.max), .decimal("1" + String(repeating: "0", count: 30)), .int(.max),
            ][k],
            "str_float": .float([0.1, -1.5, 1e16, 1.5e16, 1e-05][k]),
            "str_decimal": .decimal(["1.50", "-0", "1E+3", "NaN", "3.14159265358979323846264338327950288"][k]),
            "json": .json(
                [
                    #"{"b": [1, 2.5, null], "a": "\u00e9\n\"\u007f\ud83c\udfac"}"#, "[]", "\"x\"", "true",
                    #"{"k": 1e+16}"#,
                ][k]),
            "ndarray": .array(
                [
                    MDSArray([0, 1, 2] as [Float]),
                    MDSArray(.uint8, shape: [2, 300], bytes: .init(repeating: 1, count: 600)),
                    MDSArray([0, 1, 2, 3] as [Int64], shape: [2, 2]),
                    MDSArray(.int16, shape: [1, 1, 1], bytes: [0xFF, 0xFF]), MDSArray([0.5] as [Double]),
                ][k]),
            "ndarray:int32": .array(MDSArray((0...Int32(k)).map { $0 })),
            "ndarray:float32:2,3": .array(MDSArray((0..<6).map { Float($0 + k) }, shape: [2, 3])),
            "uint8": .uint(UInt64(UInt8.max) - UInt64(k)), "int8": .int(Int64(Int8.min) + Int64(k)),
            "uint16": .uint(UInt64(UInt16.max) - UInt64(k)), "int16": .int(Int64(Int16.min) + Int64(k)),
            "uint32": .uint(UInt64(UInt32.max) - UInt64(k)), "int32": .int(Int64(Int32.min) + Int64(k)),
            "uint64": .uint(UInt64.max - UInt64(k)), "int64": .int(Int64.min + Int64(k)),
        ]
        // As they come back; rounding to the type is the writer's.
        sample["float16"] = .float(floats[k])
        sample["float32"] = .float(floats[k])
        sample["float64"] = .float(floats[k])
        return sample
    }

    /// What a sample reads as when it has been written: floats in their column's precision.
    static func stored(_ sample: [String: MDSValue]) -> [String: MDSValue] {
        var sample = sample
        for (name, value) in sample {
            guard case .float(let number) = value else { continue }
            if name == "float32" { sample[name] = .float(Double(Float(number))) }
            if name == "float16" { sample[name] = .float(Double(Float(half: UInt16(half: number)))) }
        }
        return sample
    }

    static func folder(_ name: String) -> String { Golden.directory + "/mds/" + name }

    /// Copies a golden data set into `directory`, to be damaged.
    static func copy(_ name: String, to directory: String) throws -> String {
        let target = directory + "/" + name
        try Files.makeDirectory(target)
        for file in try Files.list(folder(name)) {
            try Files.write(try Files.read(folder(name) + "/" + file), to: target + "/" + file)
        }
        return target
    }
}
