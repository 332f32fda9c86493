import Kernels
import Reports
import Testing

@Suite struct CountBinsTests {
    @Test func byHand() {
        let bins = CountBins(of: [5, 1, 1, 1, 2, 1, 3, 4], bins: 4)
        #expect(bins.edges == [1, 3, 5] && bins.least == 1)
        #expect((0..<3).map { bins.range($0).from } == [1, 2, 4] && (0..<3).map { bins.range($0).to } == [1, 3, 5])
        #expect([1, 2, 3, 4, 5, 99].map(bins.bin) == [0, 1, 1, 2, 2, 2])
        let open = CountBins(of: [5, 1, 1, 1, 2, 1, 3, 4], bins: 4, isOpen: true)
        #expect(open.range(0).from == 0 && open.range(2).from == 4 && open.range(2).to == nil)
        #expect(CountBins(of: []).count == 0)
        #expect(CountBins(of: [7, 7, 7]).edges == [7])
    }

    /// An upper end is the least count that at least i of b parts do not exceed.
    @Test(arguments: 0..<40 as Range<UInt64>) func equalCountsStayTogether(seed: UInt64) {
        var random = RandomStream(seed: seed, .test)
        let counts = (0..<1 + random.below(200)).map { _ in random.below(1 + random.below(60)) }
        let wanted = 1 + random.below(9)
        let bins = CountBins(of: counts, bins: wanted)
        var edges: [Int] = []
        for part in 1...wanted {
            let edge = (0...60).first { most in counts.count { $0 <= most } * wanted >= counts.count * part }!
            if edges.last != edge { edges.append(edge) }
        }
        #expect(bins.edges == edges)
        for count in counts {
            let holding = (0..<bins.count).filter { bins.range($0).from <= count && count <= bins.range($0).to! }
            #expect(holding == [bins.bin(of: count)])
        }
    }

    @Test func histograms() {
        let bins = Report.Data.doubling([2, 3, 3, 9, 16, 15])
        #expect(
            bins.map(\.from) == [2, 4, 8, 16] && bins.map(\.to) == [3, 7, 15, 31] && bins.map(\.count) == [3, 0, 2, 1])
        #expect(Report.Data.doubling([]).isEmpty)
        #expect(Report.Data.byRank([4, 9, 1]) == [[1, 9], [2, 4], [3, 1]])
        let many = Report.Data.byRank((0..<5000).map { 1 + $0 * 7 % 5000 })
        #expect(many.count <= 60 && many.first == [1, 5000] && many.last == [5000, 1])
        #expect(many.allSatisfy { $0[0] + $0[1] == 5001 } && zip(many, many.dropFirst()).allSatisfy { $0[0] < $1[0] })
    }
}
