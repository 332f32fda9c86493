/// A column that grows by parts of one size, so that it is never in memory twice.
struct PartedColumn<Element: BitwiseCopyable> {
    private static var partSize: Int { 1 << 18 }
    private var full: [[Element]] = []
    private var open: [Element] = []

    var count: Int { full.count * Self.partSize + open.count }

    mutating func append(_ element: Element) {
        prepare()
        open.append(element)
    }

    mutating func append(contentsOf elements: UnsafeBufferPointer<Element>) {
        var rest = elements[...]
        while !rest.isEmpty {
            prepare()
            let taken = rest.prefix(Self.partSize - open.count)
            open.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
        }
    }

    /// Takes back what was appended last.
    mutating func removeLast() { open.removeLast() }

    mutating func forEach(_ change: (inout Element) -> Void) {
        for part in full.indices {
            for index in full[part].indices { change(&full[part][index]) }
        }
        for index in open.indices { change(&open[index]) }
    }

    /// Writes all elements to `target` and forgets them, part by part.
    mutating func move(to target: inout [Element]) {
        var next = 0
        full.append(open)
        open = []
        for part in full.indices {
            target.withUnsafeMutableBufferPointer { target in
                next = target[next...].update(fromContentsOf: full[part])
            }
            full[part] = []
        }
        full = []
    }

    private mutating func prepare() {
        if open.count == Self.partSize {
            full.append(open)
            open = []
        }
        if open.isEmpty { open.reserveCapacity(Self.partSize) }
    }
}
