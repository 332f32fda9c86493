import Formats
import Kernels
import Testing

@Suite struct LineGridTests {
    /// Chunks must hold every byte once, whole lines, and the line numbers that plain splitting gives.
    @Test func chunksAreTheLinesWhateverTheirSize() {
        var random = RandomStream(seed: 2, .test)
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...9000, using: &random)).map { _ in
                [10, 13, 97, 97, 97, 98, 10, 99].randomElement(using: &random)! as UInt8
            }
            let start = Int.random(in: 0...min(3, text.count), using: &random)
            let sets = InstructionSet.allCases.filter { $0 <= .best }
            for (size, set) in [1, 7, 64, 100_000].flatMap({ size in sets.map { (size, $0) } }) {
                text.withUnsafeBytes { bytes in
                    let cuts = LineGrid.cuts(start..<text.count, size: size).map { LineGrid.Cut(bytes, $0, set) }
                    let chunks = LineGrid(cuts: cuts, from: start, to: text.count, firstLine: 5).chunks
                    var (position, line) = (start, 5)
                    for chunk in chunks {
                        #expect(chunk.range.lowerBound == position && chunk.firstLine == line)
                        let content = text[chunk.range]
                        #expect(chunk.isTerminated == (content.last == 10))
                        let newlines = content.count { $0 == 10 }
                        #expect(chunk.lineCount == newlines + (chunk.isTerminated ? 0 : 1))
                        #expect(chunk.isTerminated || newlines == 0)
                        position = chunk.range.upperBound
                        line += newlines
                    }
                    #expect(position == text.count)
                }
            }
        }
    }
}
