import Reports
import Starling

/// The data that is expanded: pairs, each once.
struct ExpansionSource {
    let matrix: InteractionMatrix<UserRow, ItemRow>
    let fingerprint: String

    /// Reads it, of repeated pairs the last unless told otherwise.
    ///
    /// - Throws: also `usage` for a factor that is larger than the data, for numbers beyond 32 bits, and for ratings that are not there.
    init(
        _ reading: ReadingFlags, rows: Int, columns: Int, ratings: Bool, _ workers: Workers,
        _ cancellation: Cancellation
    ) throws {
        var reading = reading
        reading.duplicates = reading.duplicates ?? DuplicatePolicy.last.rawValue
        let log = try reading.read(workers: workers, cancellation: cancellation).log
        for (factor, count, noun) in [(rows, log.users.count, "users"), (columns, log.items.count, "items")] {
            guard factor <= count else {
                throw StarlingError(
                    .usage,
                    "--by \(rows)x\(columns) takes \(factor) \(noun) to make the small matrix of, and the data has \(count)",
                    remedy: "expand by at most \(log.users.count)x\(log.items.count)")
            }
            guard factor * count <= Int(UInt32.max) else {
                throw StarlingError(
                    .usage, "\(factor) × \(Numerals.grouped(count)) \(noun) are more than 32 bits can number",
                    remedy: "expand by at most \(Int(UInt32.max) / count)")
            }
        }
        guard log.values != nil || !ratings else {
            throw StarlingError(
                .usage, "--ratings asks for ratings, and the data has none",
                remedy: "leave it out, or name them with --columns")
        }
        fingerprint = log.fingerprint(workers: workers)
        matrix = ratings ? log.userMatrix(workers: workers) : log.pairs.userMatrix(workers: workers)
    }

    /// How often users and items occur before and after.
    func sides(_ written: ExpansionWriter.Written) -> (source: ExpansionReport.Side, result: ExpansionReport.Side) {
        let users = zip(matrix.offsets.dropFirst(), matrix.offsets).map { $0 - $1 }
        var items = [Int](repeating: 0, count: matrix.columnCount)
        for item in matrix.columns { items[Int(item)] += 1 }
        return (
            ExpansionReport.Side(users: users, items: items),
            ExpansionReport.Side(users: written.users.map { Int($0) }, items: written.items.map { Int($0) })
        )
    }
}
