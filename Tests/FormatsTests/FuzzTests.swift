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
        var accepted = 0
        for index in 0..<cases {
            let bytes = mutator.bytes(case: index)
            if let size = attempt({ try body(bytes, "case \(index)") }) {
                accepted += 1
                // Deflate's greatest ratio.
                #expect(size <= 1032 * bytes.count, "case \(index)")
            }
        }
        print("fuzz \(ending): \(cases) cases, \(accepted) accepted")
        // Both ways are gone.
        #expect(accepted > cases / 100 && accepted < cases)
    }

    /// nil for what was refused, which must be as bad data of a named file.
    private func attempt<Result>(_ body: () throws -> Result) -> Result? {
        do {
            return try body()
        } catch let error as StarlingError {
            #expect(error.code == .badData && error.place.file?.hasPrefix("case ") == true, "\(error)")
        } catch {
            Issue.record(error)
        }
        return nil
    }
}
