public import Interactions
import Kernels

extension Ranker {
    /// The `count` items most like one, itself left out, scored by the dot product with its vector.
    ///
    /// That is the cosine if the index was made with `scaling: .unitLength`, which is what “similar” mostly means. Make
    /// it of the factors alone: bias dimensions that a model adds for scoring users say nothing about likeness.
    /// Items that may not be recommended do not appear.
    ///
    /// - Complexity: O(items × dimensions).
    public func similar(to item: ItemRow, count: Int) -> RankedList {
        precondition(item.index < index.count, "item row \(item.index) of \(index.count)")
        let itself = InteractionMatrix<UserRow, ItemRow>(
            offsets: [0, 1], columns: [UInt32(item.index)], values: nil, columnCount: index.count)
        let query = OneVector(vector: index.vector(of: item))
        do {
            return try top(count, for: [UserRow(0)], encoder: query, excluding: itself)[0]
        } catch {
            preconditionFailure("a fixed vector cannot fail: \(error)")
        }
    }
}

/// The same vector for any user.
private struct OneVector: QueryEncoder {
    let vector: [Float]
    var dimensions: Int { vector.count }

    func encode(_ users: [UserRow], into table: borrowing FactorTable) {
        for row in users.indices { _ = table.row(row).update(from: vector) }
    }
}
