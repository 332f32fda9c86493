import Basics
import Formats
import Testing

/// By what processes tell whether they have the same file.
@Suite struct SampleDigestTests {
    private func digest(_ bytes: [UInt8], whole: Int = 1000) -> String {
        MappedFile(copying: bytes, name: "x").sampleDigest(whole: whole, window: 100)
    }

    @Test func smallFilesAreTakenWhole() throws {
        let bytes = (0..<1000).map { UInt8($0 % 251) }
        for index in stride(from: 0, to: 1000, by: 37) {
            var other = bytes
            other[index] ^= 1
            #expect(digest(other) != digest(bytes))
        }
        // The digest of no bytes, which is among the test vectors of xxHash.
        #expect(MappedFile(copying: [], name: "x").sampleDigest() == "99aa06d3014798d86001c324468d497f")
        try Golden.withDirectory { folder in
            try Files.write(bytes, to: folder + "/file")
            #expect(try MappedFile(folder + "/file").sampleDigest() == digest(bytes))
        }
    }

    /// Of a large file the ends and 64 windows count, no more.
    @Test func largeFilesAreSampled() {
        let bytes = (0..<20_000).map { UInt8($0 % 251) }
        let own = digest(bytes)
        func isSeen(_ index: Int) -> Bool {
            var other = bytes
            other[index] ^= 1
            return digest(other) != own
        }
        #expect(isSeen(0) && isSeen(99) && isSeen(19_900) && isSeen(19_999) && isSeen(100) && isSeen(199))
        let seen = stride(from: 0, to: 20_000, by: 10).count { isSeen($0) }
        #expect(seen == 66 * 10)
        #expect(own != digest(bytes + [0]) && digest(bytes, whole: 20_000) != own)
    }
}
