import Basics
import Interactions
import Kernels
import LocalRanks
import Testing

extension [Result<LoadedInteractions, any Error>] {
    /// What the ranks threw.
    var errors: [StarlingError?] {
        map { result in if case .failure(let error) = result { error as? StarlingError } else { nil } }
    }
}

/// Expects of 2 to 5 ranks what one rank gives.
func expectSameByRanks(
    _ path: String, chunkSize: Int = 4 << 20, _ location: SourceLocation = #_sourceLocation,
    _ change: (inout ReadingOptions) -> Void = { _ in }
) {
    var options = ReadingOptions()
    change(&options)
    expectSameByRanks(location) { [options] ranks in
        try InteractionReader.read(
            path, options: options, workers: Workers(threads: 1 + ranks.size % 2), chunkSize: chunkSize, ranks: ranks)
    }
}

func expectSameByRanks(
    _ location: SourceLocation = #_sourceLocation,
    _ read: @escaping @Sendable (any Communicator) throws -> LoadedInteractions
) {
    let one = Result { try read(OneRank()) }
    for size in 2...5 { expectSame(LocalRanks.outcomes(size, read), one, location) }
}

/// Expects the same bits and the same report of every rank, or the same error, which may name the rank it is of.
func expectSame(
    _ results: [Result<LoadedInteractions, any Error>], _ one: Result<LoadedInteractions, any Error>,
    _ location: SourceLocation = #_sourceLocation
) {
    switch one {
    case .success(let one):
        for (rank, result) in results.enumerated() {
            let comment: Comment = "rank \(rank) of \(results.count)"
            guard case .success(let loaded) = result else {
                Issue.record("\(comment): \(result)", sourceLocation: location)
                continue
            }
            let (log, expected) = (loaded.log, one.log)
            #expect(log.users.ids == expected.users.ids, comment, sourceLocation: location)
            #expect(log.items.ids == expected.items.ids, comment, sourceLocation: location)
            #expect(log.userRows == expected.userRows, comment, sourceLocation: location)
            #expect(log.itemRows == expected.itemRows, comment, sourceLocation: location)
            #expect(
                log.values?.map(\.bitPattern) == expected.values?.map(\.bitPattern), comment, sourceLocation: location)
            #expect(log.times == expected.times, comment, sourceLocation: location)
            #expect(text(loaded.report) == text(one.report), comment, sourceLocation: location)
        }
    case .failure(let one):
        guard var one = one as? StarlingError else {
            Issue.record(one, sourceLocation: location)
            return
        }
        let (whole, remedy) = ("\(one)", one.remedy)
        one.remedy = nil
        // What all see alike, all throw as it is.
        let texts = (0..<results.count).map { "rank \($0): \(one)" }
        let allowed = results.errors.map { error in
            error.map { error in
                "\(error)" == whole || error.code == one.code && error.remedy == remedy && texts.contains(error.what)
            } ?? false
        }
        #expect(!allowed.contains(false), "\(results), not \(whole)", sourceLocation: location)
        let named = Set(results.errors.compactMap { $0?.what }.filter { $0 != one.what })
        #expect(named.count <= 1, "\(named)", sourceLocation: location)
    }
}

/// A report less its time.
private func text(_ report: IngestionReport) -> String? {
    guard let bytes = try? JSON.bytes(report),
        var object = try? JSON.decode([String: JSONValue].self, from: bytes, file: "report")
    else { return nil }
    object["seconds"] = nil
    return try? JSON.text(object)
}
