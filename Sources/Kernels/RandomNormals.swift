import CKernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension RandomStream {
    /// Standard normal numbers by the million, in 32-bit floats (`sk_normals`): four of each counter from the stream's
    /// on. The stream itself does not move.
    ///
    /// - Parameter count: a multiple of 4.
    package func writeNormals(to out: UnsafeMutablePointer<Float>, count: Int, isa: InstructionSet) {
        precondition(count % 4 == 0)
        var (key, stream) = ((key.x, key.y), (stream.x, stream.y))
        withUnsafeBytes(of: &key) { key in
            withUnsafeBytes(of: &stream) { stream in
                sk_normals(
                    key.assumingMemoryBound(to: UInt32.self).baseAddress!,
                    stream.assumingMemoryBound(to: UInt32.self).baseAddress!, counter, out, count, isa.rawValue)
            }
        }
    }

    /// Gamma-distributed with this shape, at least 1, and scale 1 (Marsaglia & Tsang 2000, “A simple method for
    /// generating gamma variables”).
    package mutating func gamma(shape: Double) -> Double {
        precondition(shape >= 1)
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            if log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    /// χ² with this many degrees of freedom, at least 2.
    package mutating func chiSquared(degrees: Double) -> Double { 2 * gamma(shape: degrees / 2) }
}
