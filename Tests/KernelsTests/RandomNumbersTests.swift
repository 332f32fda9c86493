import Kernels
import Testing

@Suite struct RandomNumbersTests {
    /// Numbers by the million are those of `next()`, from any counter on, also where it leaves 32 bits.
    @Test(arguments: [0, 1, 31, 32, 33, 1000], InstructionSet.allCases.filter { $0 <= .best })
    func numbersAreNext(count: Int, isa: InstructionSet) {
        for counter: UInt64 in [0, 7, UInt64(UInt32.max) - 3, UInt64.max - 2] {
            let stream = RandomStream(seed: 0xDEAD_BEEF_0123_4567, .test, index: 0xFFFF_FFFF_FF, counter: counter)
            var one = stream
            let expected = (0..<count).map { _ in one.next() }
            let numbers = [UInt64](unsafeUninitializedCapacity: count + 1) { memory, filled in
                (memory.baseAddress! + count).initialize(to: 42)
                stream.write(to: memory.baseAddress!, count: count, isa: isa)
                filled = count + 1
            }
            #expect(Array(numbers.dropLast()) == expected && numbers.last == 42)
        }
    }
}
