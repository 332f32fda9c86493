import Basics
import Foundation
import Testing

/// `--data` at an address: a folder of shards behind Python's own web server. Other places are tested in RemoteTests.
@Suite struct RemoteSourceTests {
    let folder = try! TemporaryFolder()

    @Test func trainsFromAWebServerAsFromTheFolder() throws {
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 60, items: 40))
        let shards = folder.path("shards")
        let written = try starling([
            "data", "convert", "--data", ratings, "--to", shards, "--form", "mds", "--size-limit", "4000", "--hashes",
            "sha1",
        ])
        #expect(written.status == 0, "\(written.error)")
        let server = try WebServer(folder.path(""))
        let environment = ["STARLING_CACHE": folder.path("cache")]
        func train(_ source: String) throws -> (status: Int32, output: String, error: String) {
            try starling(
                [
                    "train", "als", "--data", source, "--factors", "4", "--iterations", "2", "--output",
                    folder.path("run"), "--overwrite", "--json",
                ], environment: environment)
        }
        let (local, remote) = (try train(shards), try train(server.address + "/shards"))
        #expect(remote.status == 0, "\(remote.error)")
        let (expected, found) = (try weightsDigest(local.output), try weightsDigest(remote.output))
        #expect(found == expected)
        #expect(try Files.list(folder.path("cache")).isEmpty == false)

        let missing = try train(server.address + "/nothing")
        #expect(missing.status == 65 && missing.error.contains("/nothing/index.json"), "\(missing.error)")
    }

    @Test func anAddressOfAnotherKindIsWrongUsage() throws {
        let found = try starling(["data", "describe", "ftp://secret@host/ratings"])
        #expect(found.status == 64 && !found.error.contains("secret"), "\(found.error)")
    }
}

/// `python3 -m http.server` over a folder, as long as this object lives.
final class WebServer {
    let address: String
    private let process = Process()

    init(_ folder: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Serving HTTP on 127.0.0.1 port 40000 (http://127.0.0.1:40000/) ...
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let port = line.split(separator: " ").compactMap { Int($0) }.first
        address = "http://127.0.0.1:\(try #require(port, "the server says: \(line)"))"
    }

    deinit { process.terminate() }
}
