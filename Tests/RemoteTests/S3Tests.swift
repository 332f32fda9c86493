import Basics
import Formats
import Remote
import Testing

/// Against moto, which checks signatures as the service does.
@Suite(Server.hasMoto)
struct S3Tests {
    private let scratch = try! Scratch()

    @Test func gets() throws {
        let store = try scratch.bucket("data/")
        #expect(store.location == "s3://shards/data/")
        #expect(try store.bytes("shard.00003.mds", size: 103) == [UInt8](repeating: 3, count: 103))
        #expect(try store.bytes("a name~.bin") == Array("data/a name~.bin".utf8))
        let large = try scratch.bucket("").bytes("large.bin", size: 4 << 20)
        #expect(large.count == 4 << 20 && large.enumerated().allSatisfy { $1 == UInt8($0 & 255) })
    }

    @Test func unchangedFilesAreNotFetchedAgain() throws {
        let path = try scratch.bucket("data").path("shard.00007.mds")
        // A mark that another download would wipe out; the size stays.
        try Files.write([UInt8](repeating: 99, count: 107), to: path)
        #expect(try scratch.bucket("data").bytes("shard.00007.mds", size: 107).first == 99)
    }

    @Test func puts() throws {
        let store = try scratch.bucket("results")
        let file = scratch.folder + "/result.bin"
        for count in [0, 5, 3 << 20] {
            let content = Server.content(count)
            try Files.write(content, to: file)
            try store.put(file, as: "run 1/r-\(count).bin", cancellation: nil)
            #expect(try store.bytes("run 1/r-\(count).bin", size: count) == content)
        }
    }

    @Test func changedFilesAreFetchedAgain() throws {
        let file = scratch.folder + "/x"
        let writer = try scratch.bucket("changes")
        for text in ["first", "secnd"] {
            try Files.write(text.utf8, to: file)
            try writer.put(file, as: "x", cancellation: nil)
            // A store asks once; a new one is a new process's.
            #expect(String(decoding: try scratch.bucket("changes").bytes("x", size: 5), as: UTF8.self) == text)
        }
    }

    @Test func missing() throws {
        expectError("s3://shards/data/absent.mds: is not there", "NoSuchKey", code: .badData) {
            _ = try scratch.bucket("data").bytes("absent.mds")
        }
        expectError("s3://no-such-bucket/x/a", "NoSuchBucket", code: .badData) {
            _ = try scratch.open("s3://no-such-bucket/x", Scratch.motoEnvironment()).bytes("a")
        }
        #expect(try scratch.cached() == [])
    }

    @Test func sessions() throws {
        let token = try #require(Server.moto.get().facts["session_token"]?.string)
        let keys = try Scratch.motoEnvironment("session_id", "session_secret")
        let with = try scratch.open("s3://shards/data", keys.merging(["AWS_SESSION_TOKEN": token]) { $1 })
        #expect(try with.bytes("shard.00004.mds").count == 104)
        expectError("InvalidAccessKeyId", "AWS_SESSION_TOKEN is not set") {
            _ = try scratch.open("s3://shards/data", keys).bytes("shard.00005.mds")
        }
    }

    @Test func wrongCredentials() throws {
        let name = "shard.00001.mds"
        expectError("SignatureDoesNotMatch", "AWS_ACCESS_KEY_ID", "check AWS_SECRET_ACCESS_KEY") {
            _ = try scratch.open("s3://shards/data", Scratch.motoEnvironment("id", "other_secret")).bytes(name)
        }
        expectError("InvalidAccessKeyId", "AWS_SESSION_TOKEN is not set") {
            _ = try scratch.bucket("data", ["AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX"]).bytes(name)
        }
        expectError("AccessDenied", "s3:GetObject") {
            _ = try scratch.open("s3://shards/data", Scratch.motoEnvironment("other_id", "other_secret")).bytes(name)
        }
        expectError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set") {
            _ = try scratch.bucket("data", ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""]).bytes(name)
        }
    }

    @Test func profileInAFile() throws {
        let moto = try Server.moto.get()
        let path = scratch.folder + "/credentials"
        let text = """
            [reader]
            aws_access_key_id = \(try #require(moto.facts["id"]?.string))
            aws_secret_access_key = \(try #require(moto.facts["secret"]?.string))
            endpoint_url = \(moto.address)
            """
        try Files.write(text.utf8, to: path)
        let store = try scratch.open(
            "s3://shards/data", ["AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "reader"])
        #expect(try store.bytes("shard.00000.mds").count == 100)
    }
}

/// What moto does not do.
struct S3RegionTests {
    @Test func followsTheBucketToItsRegion() throws {
        let scratch = try Scratch()
        let environment = [
            "AWS_ENDPOINT_URL": try Server.standIn.get().address, "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
        ]
        let store = try scratch.open("s3://region/x", environment)
        #expect(try store.bytes("bytes-1000") == Server.content(1000))
        #expect(try Server.requests("/region/x/bytes-1000").count == 2)
        #expect(try store.bytes("bytes-1001") == Server.content(1001))
        #expect(try Server.requests("/region/x/bytes-1001").count == 1)
    }
}
