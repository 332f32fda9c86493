import Basics
import CKernels

/// The instruction set that kernels run with. Results can differ in the last bits from one to another, so a
/// run records it; `STARLING_ISA=baseline|avx2|avx512|avx512vnni` fixes it.
public enum InstructionSet: Int32, Sendable, CaseIterable, Comparable {
    case baseline = 0
    case avx2 = 1
    case avx512 = 2
    /// AVX-512 with dot products of 8-bit integers, which the ranker filters with. For floats it is ``avx512``.
    case avx512vnni = 3

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The set whose arithmetic with floats this one has: what the bits of a training depend on.
    public var ofFloats: InstructionSet { min(self, .avx512) }

    public var name: String { String(describing: self) }

    /// The widest that this machine runs.
    public static let best = InstructionSet(rawValue: sk_isa_best())!

    /// What `STARLING_ISA` asks for, or ``best``.
    ///
    /// - Throws: `usage` for an unknown name, `unavailable` for a set that this machine lacks.
    public static func current() throws -> InstructionSet {
        guard let wanted = Host.variable("STARLING_ISA") else { return best }
        guard let set = allCases.first(where: { $0.name == wanted.lowercased() }) else {
            throw StarlingError(
                .usage, "STARLING_ISA=\(wanted) is not an instruction set",
                remedy: "use one of " + allCases.map(\.name).joined(separator: ", "))
        }
        guard set <= best else {
            throw StarlingError(
                .unavailable, "this processor does not run \(set.name)",
                remedy: "unset STARLING_ISA or set it to \(best.name)")
        }
        return set
    }
}
