/// What is embedded at the places of a batch, one behind another.
package struct SequenceInputs {
    package private(set) var starts: [UInt32] = [0]
    /// Rows at each place, `[places]`.
    package var items: [Int64] = []
    /// The same of users, unless they are people who were not in training; not looked at without users' vectors.
    package var users: [Int64]? = []
    package private(set) var positions: [Int64] = []
    /// Of each place; nil where there is none.
    package private(set) var isPadding: [Bool]?
    private let maxLength: Int

    package init(_ options: SSEPTOptions) {
        maxLength = options.maxLength
        isPadding = options.attendsToPadding ? [] : nil
    }

    /// Appends a sequence, whose last item has the last position.
    ///
    /// - Parameters:
    ///   - window: at most `maxLength` item rows, the earliest first.
    ///   - user: nil for all people of a batch who were not in training.
    /// - Returns: its places, padding left out.
    @discardableResult
    package mutating func append(_ window: ArraySlice<UInt32>, user: Int?) -> Range<Int> {
        precondition(window.count <= maxLength)
        let padding = isPadding == nil ? 0 : maxLength - window.count
        if isPadding != nil {
            isPadding! += (0..<maxLength).map { $0 < padding }
            items += [Int64](repeating: 0, count: padding)
        }
        let first = items.count
        items += window.map { Int64($0) }
        if let user { users! += [Int64](repeating: Int64(user), count: padding + window.count) } else { users = nil }
        positions += (maxLength - padding - window.count..<maxLength).map { Int64($0) }
        starts.append(UInt32(items.count))
        return first..<items.count
    }

    /// - Parameters:
    ///   - firstNumber: of the first sequence, from which masks of dropout are drawn.
    ///   - before: what other ranks have of the batch before these.
    package func sequences(
        firstNumber: Int = 0, before: (sequences: Int, places: Int) = (0, 0)
    ) -> PackedSequences {
        PackedSequences(starts: starts, firstNumber: firstNumber, before: before)
    }
}
