import Basics
import Formats
import Foundation
import Testing

/// Damaged files: a parser may take or refuse them, but it must not crash, hang, or ask for more memory than the
/// file can justify. `STARLING_FUZZ_CASES` sets the cases a format; a crash is found again with the same number.
@Suite struct FuzzTests {
    private let cases = ProcessInfo.processInfo.environment["STARLING_FUZZ_CASES"].flatMap { Int($0) } ?? 20_000

    @Test func safeTensors() throws {
        try fuzz(".safetensors", seed: 1) { bytes, name in
            let file = try SafeTensorsFile(bytes: bytes, name: name)
            let sizes = try file.names.map { name in
                let tensor = try file.tensor(name)
                #expect(tensor.shape.reduce(tensor.elementType.size, *) == tensor.bytes.count)
                return tensor.withUnsafeBytes { [UInt8]($0).count }
            }
            return sizes.reduce(0, +)
        }
    }

    @Test func npy() throws {
        try fuzz(".npy", seed: 2) { bytes, name in use(try NPY.read(bytes: bytes, name: name)) }
    }

    @Test func npz() throws {
        try fuzz(".npz", seed: 3) { bytes, name in
            let file = try NPZFile(bytes: bytes, name: name)
            return file.names.reduce(0) { sum, name in
                sum + (attempt { use(try file.array(name)) } ?? 0)
            }
        }
    }

    /// The same bytes come whether an array is read whole or in pieces, and both ways fail alike.
    @Test func npzInPieces() throws {
        try fuzz(".npz", seed: 4) { bytes, name in
            let file = try NPZFile(bytes: bytes, name: name)
            return file.names.reduce(0) { sum, name in
                let whole = attempt { try file.array(name) }
                let pieces = attempt { try read(try file.stream(name)) }
                if let whole, !whole.shape.isEmpty, let pieces, pieces.isCOrdered {
                    #expect(whole.withUnsafeBytes { $0.elementsEqual(pieces.bytes) })
                }
                #expect((whole == nil) == (pieces == nil))
                return sum + (pieces?.bytes.count ?? 0)
            }
        }
    }

    private func read(_ stream: NPYStream) throws -> (bytes: [UInt8], isCOrdered: Bool) {
        var bytes: [UInt8] = []
        let size = 3 * max(1, stream.element.size)
        while stream.remaining > 0 {
            var piece = [UInt8](repeating: 0, count: min(size, stream.remaining))
            try piece.withUnsafeMutableBytes { try stream.read(into: $0) }
            bytes += piece
        }
        try stream.finish()
        return (bytes, !stream.isFortranOrder)
    }

    /// Damaged archives of `torch.save`, most of which their checksums give away.
    @Test func pth() throws {
        try fuzz(".pth", seed: 5) { bytes, name in try use(PTHFile(bytes: bytes, name: name)) }
    }

    /// Damaged pickles in sound archives.
    @Test func pickles() throws {
        let names = Golden.names(".pth").filter { !$0.hasPrefix("refused_") }
        let zips = try names.map { name in
            let zip = StoredZip(parsing: try Golden.bytes(name))
            return (zip: zip, place: zip.entries.firstIndex { $0.name.hasSuffix("/data.pkl") }!)
        }
        let mutator = Mutator(corpus: zips.map { $0.zip.entries[$0.place].bytes }, seed: 6)
        try fuzz("pickle", { mutator.bytes(case: $0) }) { pickle, name in
            // The archive whose pickle it was made of gives the storages.
            let source = zips[mutator.source(case: Int(name.dropFirst("case ".count))!)]
            var zip = source.zip
            zip.entries[source.place].bytes = pickle
            let bytes = zip.bytes
            let size = use(try PTHFile(bytes: bytes, name: name))
            #expect(size <= 1032 * bytes.count, "\(name)")
            return 0
        }
    }

    /// Reads every tensor and returns the size of the largest: each is read on its own.
    private func use(_ file: PTHFile) -> Int {
        #expect(Set(file.names).count == file.names.count)
        let sizes = file.names.map { name in
            attempt {
                let tensor = try file.tensor(name)
                #expect(tensor.shape.reduce(tensor.elementType.size, *) == tensor.bytes.count)
                return tensor.withUnsafeBytes { [UInt8]($0).count }
            } ?? 0
        }
        return sizes.max() ?? 0
    }

    /// Converts the array in every way and returns its size.
    private func use(_ array: NPYArray) -> Int {
        #expect(array.shape.reduce(array.element.size, *) == array.bytes.count)
        let counts = [
            attempt { try array.floats().count }, attempt { try array.doubles().count },
            attempt { try array.int64s().count }, attempt { try array.strings().count },
        ]
        #expect(counts.allSatisfy { $0 == nil || $0 == array.count })
        return array.bytes.count
    }

    /// Runs `body`, which returns how many bytes it was given to read.
    private func fuzz(_ ending: String, seed: UInt64, _ body: ([UInt8], String) throws -> Int) throws {
        let mutator = Mutator(corpus: try Golden.names(ending).map(Golden.bytes), seed: seed)
        try fuzz(ending, { mutator.bytes(case: $0) }, body)
    }

    private func fuzz(
        _ what: String, _ input: (Int) -> [UInt8], _ body: ([UInt8], String) throws -> Int
    ) throws {
        var accepted = 0
        for index in 0..<cases {
            let bytes = input(index)
            if let size = attempt({ try body(bytes, "case \(index)") }) {
                accepted += 1
                // Deflate's greatest ratio.
                #expect(size <= 1032 * bytes.count, "case \(index)")
            }
        }
        print("fuzz \(what): \(cases) cases, \(accepted) accepted")
        // Both ways are gone.
        #expect(accepted > cases / 100 && accepted < cases)
    }
}
