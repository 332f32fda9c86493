extension MappedFile {
    /// A digest by which processes tell whether they have the same file: XXH3 of 128 bits, in hexadecimal digits. Up to 256 MiB it is
    /// over all bytes; of a larger file over its first and last MiB and 64 windows of one MiB, spread evenly between them.
    ///
    /// - Complexity: O(bytes) up to 256 MiB; nothing stays in memory.
    package func sampleDigest() -> String { sampleDigest(whole: 256 << 20, window: 1 << 20) }

    /// The same with other limits, for tests.
    package func sampleDigest(whole: Int, window: Int) -> String {
        var ranges = [0..<bytes.count]
        if bytes.count > whole {
            let rest = bytes.count - 2 * window
            ranges = [0..<window]
            ranges += (0..<64).map { index in
                let start = window + (rest - window) / 63 * index
                return start..<start + window
            }
            ranges.append(bytes.count - window..<bytes.count)
        }
        let digits = MDSHash.xxh3Bits128.digits(ranges.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
        for range in ranges { release(range) }
        return digits
    }
}
