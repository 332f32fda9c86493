import Basics
import Kernels

/// Makes one log of the parts that ranks have read, on every rank: the parts' rows in the order of ranks, under vocabularies of
/// all ids. One rank's part is the log already.
struct RankJoining {
    let ranks: any Communicator
    let workers: Workers

    private struct Part: Codable {
        let report: IngestionReport
        let hasValues, hasTimes: Bool
    }

    /// The report on all parts. Columns without rows become those that the other ranks have.
    ///
    /// - Throws: `badData` if two ranks that have rows do not have the same columns.
    func report(_ own: IngestionReport, _ columns: inout LogColumns) throws -> IngestionReport {
        guard ranks.size > 1 else { return own }
        let part = Part(report: own, hasValues: columns.values != nil, hasTimes: columns.times != nil)
        let parts = try ranks.allGather(try JSON.bytes(part)).map {
            try JSON.decode(Part.self, from: $0, file: "a rank's part")
        }
        let report = IngestionReport(joining: parts.map(\.report))
        guard let first = parts.firstIndex(where: { $0.report.rowsKept > 0 }) else { return report }
        for (rank, part) in parts.enumerated() where part.report.rowsKept > 0 {
            for (noun, has, had) in [
                ("values", part.hasValues, parts[first].hasValues), ("times", part.hasTimes, parts[first].hasTimes),
            ] where has != had {
                throw StarlingError(
                    .badData,
                    "rank \(rank) \(has ? "has" : "lacks") \(noun), and rank \(first) \(had ? "has" : "lacks") them",
                    at: .init(file: report.files[0]), remedy: "give all ranks the same columns")
            }
        }
        if columns.count == 0 {
            columns.values = parts[first].hasValues ? [] : nil
            columns.times = parts[first].hasTimes ? [] : nil
        }
        return report
    }

    /// The ids of all ranks. A column of rows of this rank's ids becomes one of rows of theirs.
    func ids<Row>(_ own: Vocabulary<Row>.IDs, of column: inout [UInt32]) throws -> Vocabulary<Row>.IDs {
        guard ranks.size > 1 else { return own }
        let joined = try JoinedIDs(own, of: ranks)
        column.withUnsafeMutableBufferPointer { IDColumn(column: $0, workers: workers).renumber(joined.rows) }
        return joined.ids
    }

    /// Columns of this rank's rows become those of all.
    ///
    /// - Complexity: sends each row to every other rank. Of one column at a time, this rank's part is in memory twice.
    func gather(_ columns: inout LogColumns) throws {
        guard ranks.size > 1 else { return }
        try ranks.gather(&columns.users)
        try ranks.gather(&columns.items)
        if columns.values != nil { try ranks.gather(&columns.values!) }
        if columns.times != nil { try ranks.gather(&columns.times!) }
    }
}

extension Communicator {
    /// Elements of this rank become those of all, in the order of ranks.
    ///
    /// - Returns: where each rank's are.
    @discardableResult
    func gather<Element: BitwiseCopyable>(_ elements: inout [Element]) throws -> [Range<Int>] {
        let parts = try allGather(elements.count).places
        guard size > 1 else { return parts }
        var all: [Element] = LogColumns.unset(parts.last!.upperBound)
        all.withUnsafeMutableBufferPointer { all in
            elements.withUnsafeBufferPointer { own in
                _ = UnsafeMutableBufferPointer(rebasing: all[parts[rank]]).update(fromContentsOf: own)
            }
        }
        swap(&elements, &all)
        all = []
        let width = MemoryLayout<Element>.stride
        try elements.withUnsafeMutableBytes { bytes in
            try allGather(in: bytes, parts: parts.scaled(by: width))
        }
        return parts
    }

    /// This rank's share of things of such sizes, in their order: those that begin in its part of the whole. A thing of its own
    /// is rank 0's.
    func share(of sizes: [Int]) -> Range<Int> {
        let total = sizes.reduce(0) { $0 + max(1, $1) }
        var begin = 0
        var share = 0..<0
        for (index, thing) in sizes.enumerated() {
            let owner = begin * size / total
            if owner < rank { share = index + 1..<index + 1 }
            if owner == rank { share = share.lowerBound..<index + 1 }
            begin += max(1, thing)
        }
        return share
    }
}
