internal import CKernels
public import Interactions
import Kernels

extension Ranker {
    /// The scores of given items for one user, with the bits that
    /// ``top(_:for:encoder:excluding:cancellation:each:)`` gives them.
    ///
    /// - Parameters:
    ///   - vector: the user's vector, `[dimensions]`.
    ///   - items: in any order, repeats allowed; items that may not be recommended have scores too.
    /// - Complexity: O(items × dimensions).
    public func scores(of vector: [Float], items: some Collection<ItemRow>) -> [Float] {
        precondition(vector.count == index.dimensions, "the vector is not of the index's dimensions")
        let rows = items.map { UInt32($0.index) }
        return [Float](unsafeUninitializedCapacity: rows.count) { scores, initialised in
            vector.withUnsafeBufferPointer { vector in
                rows.withUnsafeBufferPointer { write(scores: scores, of: vector.baseAddress!, items: $0) }
            }
            initialised = rows.count
        }
    }

    /// The scores of `items` for the user whose vector, `[dimensions]`, begins at `vector`.
    func write(
        scores: UnsafeMutableBufferPointer<Float>, of vector: UnsafePointer<Float>, items: UnsafeBufferPointer<UInt32>
    ) {
        guard let first = items.baseAddress, let target = scores.baseAddress else { return }
        precondition(items.allSatisfy { $0 < index.count } && scores.count >= items.count)
        let (vectors, stride, dimensions) = (index.vectors.base, index.vectors.stride, index.dimensions)
        #if arch(x86_64)
        if isa >= .avx2 {
            return sk_rank_scores_fma(vectors, stride, dimensions, vector, first, items.count, target)
        }
        #endif
        sk_rank_scores_baseline(vectors, stride, dimensions, vector, first, items.count, target)
    }
}
