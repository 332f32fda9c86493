import Basics
import Kernels
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

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

    /// Nobody is ever a step ahead, what others wrote before a wait is there after it, and sleepers wake up.
    @Test(arguments: [1, 2, 3, 7]) func nobodyPassesABarrierBeforeAllHaveCome(threads: Int) {
        let workers = Workers(threads: threads)
        let written = UnsafeMutablePointer<Int>.allocate(capacity: threads)
        defer { written.deallocate() }
        written.initialize(repeating: 0, count: threads)
        let wrong = Count()
        workers.together { worker, barrier in
            for step in 1...500 {
                if worker == 0 && step % 100 == 0 { usleep(2000) }
                written[worker] = step
                barrier.wait()
                if (0..<threads).contains(where: { written[$0] != step }) {
                    wrong.value.wrappingAdd(1, ordering: .relaxed)
                }
                barrier.wait()
            }
        }
        #expect(wrong.value.load(ordering: .relaxed) == 0)
        #expect((0..<threads).allSatisfy { written[$0] == 500 })
    }
}

private final class Count: Sendable { let value = Atomic<Int>(0) }
