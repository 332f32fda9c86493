import CKernels

extension RandomStream {
    /// What ``next()`` would give from the stream's counter on, by the million (`sk_random`). The stream itself does not move.
    package func write(to out: UnsafeMutablePointer<UInt64>, count: Int, isa: InstructionSet = .best) {
        guard counter < UInt64(UInt32.max) - UInt64(count) else {
            // A number that was made already and not taken is no part of what stands from the counter on.
            var stream = self
            stream.pending = nil
            for place in 0..<count { out[place] = stream.next() }
            return
        }
        let (seed, stream) = (UInt64(key.x) | UInt64(key.y) << 32, UInt64(stream.x) | UInt64(stream.y) << 32)
        sk_random(seed, stream, UInt32(counter), out, count, isa.rawValue)
    }
}
