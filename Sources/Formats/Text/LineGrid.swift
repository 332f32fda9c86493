import CKernels
package import Kernels

/// A file's lines in chunks that the file alone fixes: the bytes are cut at multiples of a size, and a chunk holds
/// the lines that *end* in its cut. So a line of any length is looked at once, and nobody needs to search for a
/// line's end beyond its cut.
package struct LineGrid: Sendable {
    package struct Chunk: Sendable {
        package let range: Range<Int>
        /// The number of the chunk's first line in the file, from 1.
        package let firstLine: Int
        package let lineCount: Int
        /// False for the file's last line if no line end follows it; it is then alone in its chunk.
        package let isTerminated: Bool
    }

    /// What one cut holds: found in parallel, then put together by ``init(cuts:from:to:firstLine:)``.
    package struct Cut: Sendable {
        package let newlines: Int
        /// Position after the last line end in the cut.
        package let end: Int

        /// Counts the line ends in a range of the file.
        package init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ set: InstructionSet) {
            let base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress!
            newlines = sk_text_count(
                base + range.lowerBound, base + range.upperBound, UInt8(ascii: "\n"), set.rawValue)
            var end = range.upperBound
            if newlines > 0 { while bytes[end - 1] != UInt8(ascii: "\n") { end -= 1 } }
            self.end = end
        }
    }

    package let chunks: [Chunk]

    /// The cuts of a range.
    package static func cuts(_ range: Range<Int>, size: Int) -> [Range<Int>] {
        stride(from: range.lowerBound, to: range.upperBound, by: size).map { $0..<min($0 + size, range.upperBound) }
    }

    package init(cuts: [Cut], from start: Int, to end: Int, firstLine: Int) {
        var chunks: [Chunk] = []
        var (position, line) = (start, firstLine)
        for cut in cuts where cut.newlines > 0 {
            chunks.append(
                Chunk(range: position..<cut.end, firstLine: line, lineCount: cut.newlines, isTerminated: true))
            position = cut.end
            line += cut.newlines
        }
        if position < end {
            chunks.append(Chunk(range: position..<end, firstLine: line, lineCount: 1, isTerminated: false))
        }
        self.chunks = chunks
    }
}
