import CXXHash

/// A categorical feature of users or items: for each of them the rows of an embedding table that stand for its values. Row 0
/// stands for a value that is not known.
package struct FeatureBags: Sendable {
    package let name: String
    /// Rows of the table, the unknown one included.
    package let tableRows: Int
    /// Entity e has `values[offsets[e]..<offsets[e + 1]]`; nil where each has one value.
    package let offsets: [UInt64]?
    package let values: [UInt32]

    /// Rows of a batch, one for each of its bags, or between `offsets`.
    init(_ name: String, tableRows: Int, rows: [UInt32], offsets: [UInt64]? = nil) {
        (self.name, self.tableRows, self.offsets, values) = (name, tableRows, offsets, rows)
    }

    /// Ids: each entity that training knows has a row of its own, or shares `buckets` rows with others by the hash (XXH64) of
    /// its id; others are unknown.
    package init(ids isTrained: [Bool], buckets: Int? = nil, _ text: (Int) -> String) {
        name = "id"
        tableRows = (buckets ?? isTrained.count) + 1
        offsets = nil
        values = isTrained.enumerated().map { entity, isTrained in
            guard isTrained else { return 0 }
            guard let buckets else { return UInt32(entity + 1) }
            var text = text(entity)
            return UInt32(text.withUTF8 { XXH64($0.baseAddress, $0.count, 0) } % UInt64(buckets)) + 1
        }
    }

    /// Values by text, any number for an entity; none is the unknown one. Rows are given in the order of the entities.
    package init(_ name: String, _ texts: [[String]]) {
        var rows: [String: UInt32] = [:]
        var (offsets, values): ([UInt64], [UInt32]) = ([0], [])
        for list in texts {
            for text in list {
                let row = rows[text] ?? UInt32(rows.count + 1)
                rows[text] = row
                values.append(row)
            }
            if list.isEmpty { values.append(0) }
            offsets.append(UInt64(values.count))
        }
        self.name = name
        tableRows = rows.count + 1
        self.values = values
        self.offsets = values.count == texts.count ? nil : offsets
    }

    /// How many it says something of.
    var entities: Int { offsets.map { $0.count - 1 } ?? values.count }

    /// The table's rows of an entity, and the share that each has in the mean.
    package func bag(_ entity: UInt32) -> ArraySlice<UInt32> {
        guard let offsets else { return values[Int(entity)..<Int(entity) + 1] }
        return values[Int(offsets[Int(entity)])..<Int(offsets[Int(entity) + 1])]
    }
}
