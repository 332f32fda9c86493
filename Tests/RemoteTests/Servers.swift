import Basics
import Formats
import Foundation
import Remote
import Testing

/// A script of the golden folder that serves on a port of this machine as long as this object lives.
final class Server: Sendable {
    /// What it printed when it was ready.
    let facts: JSONValue
    private let process = Process()
    private let input = Pipe()

    /// A web server with faults, which is also a Databricks workspace.
    static let standIn = Result { try Server("stand_in.py") }
    /// A real S3 service.
    static let moto = Result { try Server("moto_server.py") }
    /// A web server whose certificate is its own.
    static let secure = Result { try Server("tls_server.py") }

    static let hasOpenSSL: ConditionTrait = .enabled(
        if: (try? secure.get().facts["missing"]) == nil, "needs the command openssl, to make a certificate")
    static let hasMoto: ConditionTrait = .enabled(
        if: (try? moto.get().facts["missing"]) == nil,
        "needs a python3, or STARLING_PYTHON, with moto, boto3 and flask")

    init(_ script: String, _ arguments: String...) throws {
        let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"]
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: python ?? "/usr/bin/env")
        process.arguments =
            (python == nil ? ["python3"] : []) + [Files.parent(#filePath) + "/golden/" + script] + arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = Data()
        while !line.contains(10) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            line += more
        }
        facts = try JSON.decode(JSONValue.self, from: line, file: script)
    }

    deinit { try? input.fileHandleForWriting.close() }

    /// `http://127.0.0.1:PORT`.
    var address: String { "http://127.0.0.1:\(facts["port"]?.int ?? 0)" }

    /// The headers of the stand-in's requests that had this path and query.
    static func requests(_ path: String) throws -> [[String: String]] {
        try log().filter { $0.path == path }.map(\.headers)
    }

    /// The stand-in's requests that asked for something below this path: the last parts.
    static func names(below path: String) throws -> [String] {
        try log().filter { $0.method == "GET" && $0.path.hasPrefix(path) }.map { Files.name($0.path) }
    }

    private struct Entry: Decodable {
        let method: String
        let path: String
        let headers: [String: String]
    }

    private static func log() throws -> [Entry] {
        let path = try #require(standIn.get().facts["log"]?.string)
        return try Files.readText(path).split(separator: "\n").map {
            try JSON.decode(Entry.self, from: Array($0.utf8), file: path)
        }
    }

    /// What the stand-in sends as `bytes-N`.
    static func content(_ count: Int, salt: Int = 0) -> [UInt8] {
        (0..<count).map { index in
            let i = index & 0xFFFF
            return UInt8((i * 7 + (i >> 8) * 13 + salt) & 255)
        }
    }
}

/// A cache in a folder of its own that goes with it, and stores that use it.
final class Scratch: Sendable {
    let folder: String

    init() throws { folder = try Files.makeTemporaryFolder() }

    deinit { try? Files.remove(folder) }

    var cacheFolder: String { folder + "/cache" }

    /// Quick to give up, so that tests of failures are short.
    static var impatient: RemoteOptions {
        var options = RemoteOptions()
        (options.attempts, options.firstDelay, options.longestDelay) = (4, 0.01, 0.05)
        (options.idleSeconds, options.longestRequestedDelay) = (10, 5)
        return options
    }

    func open(
        _ location: String, _ environment: [String: String] = [:], limit: Int = 1 << 30,
        options: RemoteOptions = impatient
    ) throws -> any ShardStore {
        try ShardStores.open(
            location, cache: ShardCache(folder: cacheFolder, limit: limit), options: options,
            environment: Environment(environment), mount: folder)
    }

    /// The stand-in's store for a behaviour. Names are counted by path, so each test takes a folder of its own.
    func standIn(_ folder: String, limit: Int = 1 << 30) throws -> any ShardStore {
        try open(Server.standIn.get().address + "/" + folder, limit: limit)
    }

    /// A volume of the stand-in.
    func volume(_ name: String, token: String = "databricks-token", limit: Int = 1 << 30) throws -> any ShardStore {
        let environment = ["DATABRICKS_HOST": try Server.standIn.get().address, "DATABRICKS_TOKEN": token]
        return try open("dbfs:/Volumes/main/default/" + name, environment, limit: limit)
    }

    /// A place in moto's bucket.
    func bucket(_ path: String, limit: Int = 1 << 30, _ change: [String: String] = [:]) throws -> any ShardStore {
        try open("s3://shards/" + path, Scratch.motoEnvironment().merging(change) { $1 }, limit: limit)
    }

    /// What an S3 client needs in its environment to get at moto.
    static func motoEnvironment(_ id: String = "id", _ secret: String = "secret") throws -> [String: String] {
        let moto = try Server.moto.get()
        return [
            "AWS_ENDPOINT_URL": moto.address, "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": try #require(moto.facts[id]?.string),
            "AWS_SECRET_ACCESS_KEY": try #require(moto.facts[secret]?.string),
        ]
    }

    /// Names of the cache's files, those that say which place it is left out.
    func cached() throws -> [String] {
        guard Files.exists(cacheFolder) else { return [] }
        return try Files.list(cacheFolder).flatMap { place in
            Files.kind(cacheFolder + "/" + place) == .directory ? try Files.list(cacheFolder + "/" + place) : []
        }.filter { $0 != "~place" }
    }
}

extension ShardStore {
    /// The whole file. With `expected`, as one that compares a hash reads it.
    func bytes(_ name: String, size: Int? = nil, expected: [UInt8]? = nil) throws -> [UInt8] {
        try withFile(name, size: size, isVerified: expected != nil, cancellation: nil) { path in
            let bytes = try Files.read(path)
            guard expected == nil || expected == bytes else {
                throw StarlingError(.badData, "its hash is another", at: .init(file: address(of: name)))
            }
            return bytes
        }
    }

    /// Where the file lies, for the moment.
    func path(_ name: String, size: Int? = nil) throws -> String {
        try withFile(name, size: size, isVerified: false, cancellation: nil) { $0 }
    }
}

/// Expects a ``StarlingError`` that says all the words, and nothing that must stay secret.
func expectError(
    _ words: String..., code: StarlingError.Code = .unavailable, _ location: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("no error, “\(words)” expected", sourceLocation: location)
    } catch let error as StarlingError {
        #expect(error.code == code, "\(error)", sourceLocation: location)
        for word in words { #expect("\(error)".contains(word), "\(error)", sourceLocation: location) }
        for secret in [
            "signed-url-secret", "wrong-secret", "in-body", "user:secret", "databricks-token", "Signature=", "AKIAXXX",
        ] {
            #expect(!"\(error)".contains(secret), sourceLocation: location)
        }
    } catch {
        Issue.record(error, sourceLocation: location)
    }
}
