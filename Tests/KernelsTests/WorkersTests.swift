import Basics
import Kernels
import Synchronization
import Testing

@Suite struct WorkersTests {
    @Test(arguments: [1, 2, 3, 7]) func everyIndexOnce(threads: Int) {
        let workers = Workers(threads: threads)
        for total in [0, 1, 2, 5, 1000] {
            let counts = (0..<total).map { _ in Count() }
            workers.forEach(total) { index, worker in
                #expect(worker < threads)
                counts[index].value.wrappingAdd(1, ordering: .relaxed)
            }
            #expect(counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
    }

    @Test(arguments: [1, 2, 7]) func theLowestErrorIsThrown(threads: Int) {
        let workers = Workers(threads: threads)
        for _ in 0..<50 {
            #expect {
                try workers.forEach(200) { index, _ in
                    if index % 31 == 30 { throw StarlingError(.failed, "\(index)") }
                }
            } throws: { ($0 as? StarlingError)?.what == "30" }
        }
        workers.forEach(3) { _, _ in }  // still usable
    }
}

private final class Count: Sendable { let value = Atomic<Int>(0) }
