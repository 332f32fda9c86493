import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a run will take in memory, part by part, said before it is spent.
///
/// ```swift
/// var estimate = MemoryEstimate()
/// estimate.add("ratings", bytes: 12 * ratings)
/// estimate.add("factors", bytes: FactorTable.bytes(rows: users + items, width: factors))
/// try estimate.check()
/// ```
public struct MemoryEstimate: Equatable, Sendable {
    public struct Part: Equatable, Sendable {
        public var name: String
        public var bytes: Int
    }

    /// In the order they were added.
    public private(set) var parts: [Part] = []

    public init() {}

    public mutating func add(_ name: String, bytes: Int) {
        precondition(bytes >= 0)
        parts.append(Part(name: name, bytes: bytes))
    }

    /// Bytes in all.
    public var total: Int { parts.reduce(0) { $0 + $1.bytes } }

    /// `42.3 MB: ratings 30.0 MB, factors 12.3 MB`, the largest part first.
    public var line: String {
        let sorted = parts.sorted { $0.bytes > $1.bytes }
        return Numerals.bytes(total)
            + (sorted.count < 2
                ? "" : ": " + sorted.map { "\($0.name) \(Numerals.bytes($0.bytes))" }.joined(separator: ", "))
    }

    /// Refuses what cannot fit.
    ///
    /// - Parameter available: bytes that can be had; nil, where that cannot be told, refuses nothing.
    /// - Throws: `failed` with the numbers.
    public func check(available: Int?) throws {
        guard let available, total > available else { return }
        throw StarlingError(
            .failed, "this needs about \(line), and \(Numerals.bytes(available)) are available",
            remedy: "use fewer factors or less data, or a machine with more memory")
    }

    /// ``check(available:)`` against this machine.
    public func check() throws { try check(available: Self.available()) }

    /// What ``Host/availableMemory()`` says, lowered to `STARLING_MEMORY_LIMIT` (bytes) where that is set.
    ///
    /// - Throws: `usage` if the variable is not a number of bytes.
    public static func available() throws -> Int? {
        try available(
            host: Host.availableMemory(), limit: getenv("STARLING_MEMORY_LIMIT").map { String(cString: $0) })
    }

    package static func available(host: Int?, limit: String?) throws -> Int? {
        guard let limit, !limit.isEmpty else { return host }
        guard let bytes = Int(limit), bytes >= 0 else {
            throw StarlingError(
                .usage, "STARLING_MEMORY_LIMIT=\(limit) is not a number of bytes", remedy: "as in 2000000000")
        }
        return min(bytes, host ?? bytes)
    }
}
