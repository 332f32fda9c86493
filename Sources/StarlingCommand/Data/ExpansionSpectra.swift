import Reports
import Starling

/// Leading singular values of an expansion beside those of what it is made of.
struct ExpansionSpectra {
    let all: [ExpansionReport.Spectrum]

    /// Interactions of the part of the result that is measured, and how many of its values.
    private static let (sampleSize, sampleValues) = (4_000_000, 24)

    /// Values of a product that are shown.
    private static let shown = 200

    /// - Throws: `interrupted`; `failed` if an eigenvalue solver gives up.
    /// - Complexity: some hundred products of a vector with a matrix of at most about 4 million interactions.
    init(
        of expansion: FractalExpansion, _ svd: TruncatedSVD, _ workers: Workers, _ isa: InstructionSet,
        _ cancellation: Cancellation, progress: (_ steps: Int) -> Void
    ) throws {
        let factor = expansion.factor
        let (rows, columns) = expansion.sample(limit: Self.sampleSize)
        let part = factor.selecting(rows: rows, columns: columns)
        let matrix = expansion.matrix(rows: rows, columns: columns, workers: workers)
        let isWhole = part.rates.count == factor.rates.count
        let name = isWhole ? "result" : "\(rows.count) × \(columns.count) blocks of the result"
        let values = try factor.singularValues(isa: isa)
        var all = [
            ExpansionReport.Spectrum(name: "source", origin: "measured", values: svd.values),
            .init(name: "factor", origin: "measured", values: values),
            .init(name: "factor ⊗ source", origin: "formula", values: Self.product(values, svd.values)),
        ]
        if !isWhole {
            let values = Self.product(try part.singularValues(isa: isa), svd.values)
            all.append(.init(name: "those blocks ⊗ source", origin: "formula", values: values))
        }
        if matrix.entryCount > 0 {
            let count = min(Self.sampleValues, matrix.rowCount, matrix.columnCount)
            let measured = try TruncatedSVD(
                of: matrix, count: count, tolerance: 1e-8, workers: workers, isa: isa, cancellation: cancellation,
                progress: progress)
            all.append(.init(name: name, origin: "measured", values: measured.values))
        }
        self.all = all.map { .init(name: $0.name, origin: $0.origin, values: $0.values.filter { $0 > 0 }) }
    }

    /// The leading singular values of a Kronecker product, as far as the leading ones of the source say.
    private static func product(_ factor: [Double], _ source: [Double]) -> [Double] {
        let products = factor.flatMap { value in source.map { value * $0 } }
        // Below this there may be products with values of the source that are not known.
        let least = factor[0] * source.last!
        return Array(products.filter { $0 >= least }.sorted(by: >).prefix(shown))
    }
}
