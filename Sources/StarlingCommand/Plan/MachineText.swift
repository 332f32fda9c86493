import Starling

extension MachineConstants {
    /// As people read them.
    var text: String {
        func share(_ value: Double) -> String { Numerals.fixed(100 * value, 0) + "%" }
        func nano(_ seconds: Double) -> String { Numerals.fixed(seconds * 1e9, 1) + " ns" }
        func micro(_ seconds: Double) -> String { Numerals.fixed(seconds * 1e6, 1) + " µs" }
        func rows(_ name: String, _ solve: Solve) -> [[String]] {
            solve.points.map {
                [
                    name, "\($0.factors)", nano($0.interactionSeconds), micro($0.rowSeconds), share(solve.efficiency),
                ]
            }
        }
        let rates = Table(
            header: ["one thread", "factors", "an interaction", "a row", "\(processors) processors at once"],
            rows: rows("als cholesky", cholesky) + rows("als cg, 3 steps", cg)
                + mf.points.map {
                    ["mf", "\($0.factors)", nano($0.ratingSeconds), nano($0.rowSeconds), share(mf.efficiency)]
                }
                + [["two-tower, less products", "64", nano(twoTower.sampleSeconds), "–", share(twoTower.efficiency)]]
        ).render()
        let flow = Table(rows: [
            ["memory, read and written", Numerals.bytes(Int(memoryBandwidth)) + "/s"],
            ["multiply-adds of a Gramian", Numerals.short(1 / gramSeconds) + "/s"],
            [
                isLinkMeasured ? "between ranks" : "between ranks, as a copy in memory",
                Numerals.bytes(Int(link.bandwidth)) + "/s, \(Quantity.seconds(link.latency))",
            ],
        ]).render()
        let disturbance =
            (others ?? 0) > 0.05
            ? "\nOthers had \(share(others!)) of the processors meanwhile: measure again when the machine is quiet.\n"
            : ""
        return "\(machine), \(instructionSet), \(measured)\n\n" + rates + "\n" + flow + disturbance
    }
}
