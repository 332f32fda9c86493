import Basics
import Formats

/// What a rank found of the lines in its part of the files, so that the others know where theirs begin and how they are numbered.
struct LineParts {
    struct Part: BitwiseCopyable {
        let file: Int
        var newlines = 0
        /// Position after the last line end; 0 if there is none.
        var end = 0
        /// Whether the file's end is in it.
        var isLast = false
    }

    /// Where the lines that end in a part begin.
    struct Place {
        let start: Int
        /// The number of the first of them in its file, from 1.
        let line: Int
        /// Lines in the files and parts before it.
        let ordinal: Int
    }

    /// Of this rank, one for each file of which it has cuts, in order.
    private(set) var own: [Part] = []
    /// The cuts of each.
    private(set) var cuts: [[LineGrid.Cut]] = []

    /// Adds the next cut.
    mutating func add(_ cut: LineGrid.Cut, of file: Int, isLast: Bool) {
        if own.last?.file != file {
            own.append(Part(file: file))
            cuts.append([])
        }
        cuts[cuts.count - 1].append(cut)
        own[own.count - 1].newlines += cut.newlines
        if cut.newlines > 0 { own[own.count - 1].end = cut.end }
        own[own.count - 1].isLast = isLast
    }

    /// The places of this rank's parts, and the lines of all files.
    ///
    /// - Parameters:
    ///   - beginnings: where each file's rows begin, and the number of that line.
    ///   - ends: bytes of each file.
    func places(
        _ beginnings: [(start: Int, line: Int)], ends: [Int], among ranks: any Communicator
    ) throws -> (own: [Place], lineCount: Int) {
        var all = own
        let mine = try ranks.gather(&all)[ranks.rank]
        var places: [Place] = []
        var next = beginnings
        var ordinal = 0
        for (index, part) in all.enumerated() {
            let (start, line) = next[part.file]
            if mine.contains(index) { places.append(Place(start: start, line: line, ordinal: ordinal)) }
            next[part.file] = (part.newlines > 0 ? part.end : start, line + part.newlines)
            // The last line may have no end.
            ordinal += part.newlines + (part.isLast && next[part.file].start < ends[part.file] ? 1 : 0)
        }
        return (places, ordinal)
    }
}
