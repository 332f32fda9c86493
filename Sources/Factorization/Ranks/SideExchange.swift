import Basics
import Kernels
import Training

/// One side's chunks dealt to ranks by work, in waves: what was solved in one wave is sent to all ranks while the next is
/// solved. A chunk's solution does not depend on who solves it.
///
/// `@unchecked Sendable`: workers write disjoint parts of the buffer.
final class SideExchange: @unchecked Sendable {
    /// `[waves][ranks]`: chunks, rising.
    private var waves: [[[Int]]] = []
    private let ranks: any Communicator
    private let side: ALSSide
    private let table: (base: UnsafeMutablePointer<Float>, stride: Int)
    private let biases: UnsafeMutablePointer<Float>?
    /// Floats of a row on its way.
    private let width: Int
    private var buffers: [UnsafeMutablePointer<Float>] = []
    private var pending: (wave: Int, transfer: any Transfer)?

    /// - Parameter dealt: the chunks that each rank is to solve.
    init(
        _ side: ALSSide, dealt: [[Int]], table: (base: UnsafeMutablePointer<Float>, stride: Int),
        biases: UnsafeMutablePointer<Float>?, ranks: any Communicator
    ) {
        (self.side, self.table, self.biases, self.ranks) = (side, table, biases, ranks)
        width = table.stride + (biases == nil ? 0 : 1)
        // Enough that little is left to send at the end, few enough that threads of a rank have much to share.
        let total = dealt.joined().reduce(0) { $0 + side.rows($1).count }
        let count = ranks.size == 1 ? 1 : ALSScaling.waves(bytes: total * 4 * width)
        waves = (0..<count).map { wave in
            dealt.map { own in Array(own[count.part(wave, of: own.count)]) }
        }
        guard ranks.size > 1 else { return }
        let widest = waves.map { rows(of: $0.flatMap { $0 }) }.max() ?? 0
        buffers = (0..<2).map { _ in .aligned(max(1, widest * width)) }
    }

    deinit { for buffer in buffers { buffer.deallocate() } }

    private func rows(of chunks: [Int]) -> Int { chunks.reduce(0) { $0 + side.rows($1).count } }

    /// Solves all waves.
    ///
    /// - Parameters:
    ///   - solve: solves these chunks of this rank.
    ///   - stops: whether this rank is asked to stop; then all do, after the wave that follows.
    ///   - done: is told the chunks of all ranks that are here now.
    func run(solve: ([Int]) -> Void, stops: () -> Bool, done: ([Int]) -> Void) throws {
        var last: Gathering<Bool>?
        for wave in waves.indices {
            solve(waves[wave][ranks.rank])
            guard ranks.size > 1 else { return }
            try finish(done)
            try begin(wave)
            let told = try ranks.beginAllGather(stops())
            if let last, try last.all().contains(true) { break }
            last = told
        }
        try finish(done)
    }

    private func begin(_ wave: Int) throws {
        let buffer = buffers[wave % 2]
        let parts = waves[wave].map(rows).places.scaled(by: width * 4)
        copy(wave, rank: ranks.rank, at: buffer + parts[ranks.rank].lowerBound / 4, packs: true)
        let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: parts.last!.upperBound)
        pending = (wave, try ranks.beginAllGather(in: bytes, parts: parts))
    }

    private func finish(_ done: ([Int]) -> Void) throws {
        guard let (wave, transfer) = pending else { return }
        pending = nil
        try transfer.wait()
        var place = buffers[wave % 2]
        for rank in 0..<ranks.size {
            if rank != ranks.rank { copy(wave, rank: rank, at: place, packs: false) }
            place += rows(of: waves[wave][rank]) * width
        }
        done(waves[wave].flatMap { $0 })
    }

    /// Copies a rank's rows from the table to `buffer`, or back.
    private func copy(_ wave: Int, rank: Int, at buffer: UnsafeMutablePointer<Float>, packs: Bool) {
        var place = buffer
        for chunk in waves[wave][rank] {
            for row in side.rows(chunk) {
                let own = table.base + Int(row) * table.stride
                (packs ? place : own).update(from: packs ? own : place, count: table.stride)
                if let biases {
                    let bias = biases + Int(row)
                    if packs { place[table.stride] = bias.pointee } else { bias.pointee = place[table.stride] }
                }
                place += width
            }
        }
    }
}

extension ALSSide {
    /// Chunks for each rank, heaviest first to the rank that has least (ties: the first), each rank's rising.
    ///
    /// - Parameter work: what a row of so many interactions takes, in any unit.
    func deal(to ranks: Int, work: (_ interactions: Int) -> Double) -> [[Int]] {
        guard ranks > 1 else { return [Array(0..<chunks)] }
        let loads = (0..<chunks).map { chunk in rows(chunk).reduce(0.0) { $0 + work(count(Int($1))) } }
        var totals = [Double](repeating: 0, count: ranks)
        var dealt = [[Int]](repeating: [], count: ranks)
        for chunk in loads.indices.sorted(by: { (-loads[$0], $0) < (-loads[$1], $1) }) {
            let lightest = totals.indices.min { (totals[$0], $0) < (totals[$1], $1) }!
            totals[lightest] += loads[chunk]
            dealt[lightest].append(chunk)
        }
        return dealt.map { $0.sorted() }
    }
}
