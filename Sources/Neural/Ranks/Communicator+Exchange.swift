import Basics

// What ranks exchange in a step, beside what every room uses.
extension Communicator {
    /// Sends `counts[r]` of the elements to rank r, behind one another in `own`, and returns what the ranks sent here, likewise,
    /// `received[r]` of rank r.
    func allToAll<Element: BitwiseCopyable>(
        _ own: [Element], counts: [Int], received: [Int]
    ) throws -> [Element] {
        let total = received.reduce(0, +)
        return try own.withUnsafeBytes { own in
            try [Element](unsafeUninitializedCapacity: total) { target, filled in
                let bytes = MemoryLayout<Element>.stride
                try exchange(
                    own, counts.places.scaled(by: bytes),
                    into: UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(target)[..<(total * bytes)]),
                    received.places.scaled(by: bytes))
                filled = total
            }
        }
    }

    /// Adds up the ranks' floats in place, in the order of ranks, so that all have the same bits.
    ///
    /// - Complexity: sends 2 · (size − 1) / size of the floats.
    func sum(_ floats: UnsafeMutableBufferPointer<Float>) throws {
        let parts = parts(of: floats.count)
        try sumParts(floats, parts)
        try allGather(in: UnsafeMutableRawBufferPointer(floats), parts: parts.scaled(by: 4))
    }

    /// The same of this rank's part alone; others' parts are left as they were.
    ///
    /// - Complexity: sends all floats but this rank's part.
    func sumParts(_ floats: UnsafeMutableBufferPointer<Float>, _ parts: [Range<Int>]) throws {
        let own = parts[rank]
        let terms = UnsafeMutableBufferPointer<Float>.allocate(capacity: size * own.count)
        defer { terms.deallocate() }
        try exchange(
            UnsafeRawBufferPointer(floats), parts.scaled(by: 4), into: UnsafeMutableRawBufferPointer(terms),
            [Int](repeating: own.count, count: size).places.scaled(by: 4))
        guard !own.isEmpty else { return }
        let (target, source) = (floats.baseAddress! + own.lowerBound, terms.baseAddress!)
        target.update(from: source, count: own.count)
        for rank in 1..<size {
            let term = source + rank * own.count
            for place in 0..<own.count { target[place] += term[place] }
        }
    }

    /// Sends each rank its part of `own`, and puts what comes of it at its place in `target`.
    private func exchange(
        _ own: UnsafeRawBufferPointer, _ parts: [Range<Int>], into target: UnsafeMutableRawBufferPointer,
        _ places: [Range<Int>]
    ) throws {
        var transfers: [any Transfer] = []
        for distance in 1..<size {
            let (to, from) = ((rank + distance) % size, (rank + size - distance) % size)
            if !places[from].isEmpty {
                transfers.append(try receive(UnsafeMutableRawBufferPointer(rebasing: target[places[from]]), from: from))
            }
            if !parts[to].isEmpty {
                transfers.append(try send(UnsafeRawBufferPointer(rebasing: own[parts[to]]), to: to))
            }
        }
        UnsafeMutableRawBufferPointer(rebasing: target[places[rank]])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: own[parts[rank]]))
        try Transfers(transfers).wait()
    }
}
