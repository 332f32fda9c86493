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
        package init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
            newlines = LineGrid.count(UInt8(ascii: "\n"), bytes, range)
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

    /// How often a byte stands in a range. Works on the bytes of wide words, without carries between them: a byte
    /// that equals the wanted one becomes 0 by exclusive or, and 0 alone keeps its top bit clear when 0x7F is added.
    private static func count(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        typealias Words = SIMD4<UInt64>
        let ones: UInt64 = 0x0101_0101_0101_0101
        let wanted = Words(repeating: ones &* UInt64(byte))
        let low = Words(repeating: ones &* 0x7F)
        let lowest = Words(repeating: ones)
        var total = 0
        var position = range.lowerBound
        while position + 32 <= range.upperBound {
            // 255 steps fit a byte.
            var counts = Words.zero
            let stop = min(position + 255 * 32, range.upperBound - 31)
            while position < stop {
                let differs = bytes.loadUnaligned(fromByteOffset: position, as: Words.self) ^ wanted
                let top = ((differs & low) &+ low) | differs
                counts &+= (~top &>> 7) & lowest
                position += 32
            }
            for word in 0..<4 {
                for shift in stride(from: 0, to: 64, by: 8) { total += Int(counts[word] >> UInt64(shift) & 0xFF) }
            }
        }
        while position < range.upperBound {
            if bytes[position] == byte { total += 1 }
            position += 1
        }
        return total
    }
}
