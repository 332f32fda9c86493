import Basics
import CKernels
package import Kernels

/// How fast Gramians are made here, for what reckons with it.
package enum GramRate {
    /// Seconds of one thread for a multiply-add, at vectors of `factors`; the best of some rounds of a tenth of a second in all.
    package static func seconds(factors: Int = 64, isa: InstructionSet) -> Double {
        let table = FactorTable(rows: 4096, width: factors)
        for place in 0..<table.rows * table.stride { table.base[place] = Float(place % 7) - 3 }
        let gram = UnsafeMutablePointer<Float>.aligned(table.stride * table.stride)
        defer { gram.deallocate() }
        let products = Double(table.rows * table.stride * table.stride / 2)
        var best = Double.infinity
        let clock = Stopwatch()
        repeat {
            let start = clock.seconds
            sk_als_gram(table.base, table.stride, table.rows, gram, isa.rawValue)
            best = min(best, clock.seconds - start)
        } while clock.seconds < 0.1
        return best / products
    }
}
