import Basics
import Formats
import Foundation
import Testing

/// The checked-in files that other people's tools made, and somewhere to write one's own.
enum Golden {
    static let directory = Files.parent(#filePath) + "/golden"

    static func path(_ name: String) -> String { directory + "/" + name }

    static func bytes(_ name: String) throws -> [UInt8] { try Files.read(path(name)) }

    /// Names of all golden files of a format.
    static func names(_ ending: String) -> [String] {
        ((try? Files.list(directory)) ?? []).filter { $0.hasSuffix(ending) }
    }

    /// The value of element `index` in C order that make.py gives a number array.
    static func value(_ index: Int, _ type: ElementType) -> Double {
        switch type {
        case .float16, .float32, .float64: Double(index - 5) / 4
        case .int8, .int16, .int32, .int64: Double(index - 5)
        default: Double(index)
        }
    }

    /// Lends a directory that is gone afterwards.
    static func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.path + "/starling-formats-\(UUID().uuidString)"
        try Files.makeDirectory(directory)
        defer { try? Files.remove(directory) }
        return try body(directory)
    }

    /// The bytes that `body` writes.
    static func written(_ body: (String) throws -> Void) throws -> [UInt8] {
        try withDirectory {
            try body($0 + "/file")
            return try Files.read($0 + "/file")
        }
    }
}

/// Starling's files read by the formats' own tools, where a Python that has them is named.
enum Python {
    static let path = ProcessInfo.processInfo.environment["STARLING_PYTHON"]
    static let trait: ConditionTrait = .enabled(
        if: path != nil, "set STARLING_PYTHON to a python3 with numpy and safetensors to run this test")

    /// What the script prints; a failing script fails the test.
    static func run(_ script: String, _ arguments: String..., python: String? = path) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        return text
    }
}

/// Expects a ``StarlingError`` of that kind that names the file and says `words`.
func expectError(
    _ words: String, code: StarlingError.Code = .badData, file: String? = "x",
    _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("no error, “\(words)” expected", sourceLocation: location)
    } catch let error as StarlingError {
        #expect(error.code == code && error.place.file == file, "\(error)", sourceLocation: location)
        #expect(words.isEmpty || error.what.contains(words), "\(error)", sourceLocation: location)
    } catch {
        Issue.record(error, sourceLocation: location)
    }
}
