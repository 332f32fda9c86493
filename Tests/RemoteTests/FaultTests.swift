import Basics
import Formats
import Remote
import Testing

/// A web server with faults.
struct FaultTests {
    private let scratch = try! Scratch()
    private let size = 3_000_000

    /// The file arrives whole, after as many requests as it should take.
    @Test(arguments: [
        ("ok/a", 1), ("busy/a", 3), ("limited/a", 2), ("cut/a", 3), ("cut-whole/a", 2), ("moved/a", 1),
        ("untagged/a", 1),
        ("elsewhere", 1),
    ])
    func arrives(_ folder: String, _ requests: Int) throws {
        let name = "bytes-\(size)"
        #expect(try scratch.standIn(folder).bytes(name, size: size) == Server.content(size))
        #expect(try Server.requests("/\(folder)/\(name)").count == requests)
        #expect(try scratch.cached().allSatisfy { !$0.contains("~part") && !$0.contains("~lock") })
    }

    @Test func goesOnWhereItWasCut() throws {
        let store = try scratch.standIn("cut/ranges")
        #expect(try store.bytes("bytes-\(size)") == Server.content(size))
        let ranges = try Server.requests("/cut/ranges/bytes-\(size)").map { $0["range"] }
        #expect(ranges.first == .some(nil) && ranges.count == 3)
        // Cut at the half, then at the half of the rest; what lay unread in the connection is lost.
        let starts = ranges.compactMap { $0 }.compactMap { Int($0.dropFirst(6).dropLast()) }
        #expect(starts.count == 2 && starts[0] > 0 && starts[0] <= size / 2)
        #expect(starts[1] > starts[0] && starts[1] <= (size + starts[0]) / 2)
    }

    @Test func startsAgainWhenTheFileChanged() throws {
        let store = try scratch.standIn("changing/a")
        #expect(try store.bytes("bytes-\(size)") == Server.content(size, salt: 2))
        let requests = try Server.requests("/changing/a/bytes-\(size)")
        #expect(requests.count == 2 && requests[1]["if-range"] == "\"\(size)-1\"")
    }

    @Test func waitsAsLongAsAsked() throws {
        let watch = Stopwatch()
        _ = try scratch.standIn("limited/wait").bytes("bytes-10")
        #expect(watch.seconds >= 1)
        expectError("429", "come back in 1:00:00") {
            _ = try scratch.standIn("limited-long/a").bytes("bytes-10")
        }
        #expect(try Server.requests("/limited-long/a/bytes-10").count == 1)
    }

    @Test(arguments: [
        ("always-busy/a", "4 times: the server answered 500", 4), ("always-cut/a", "4 times", 4),
        ("loop/a", "redirects without end", 6),
    ])
    func givesUp(_ folder: String, _ words: String, _ requests: Int) throws {
        expectError(words, "/" + folder, "bytes-1000") { _ = try scratch.standIn(folder).bytes("bytes-1000") }
        #expect(try Server.requests("/\(folder)/bytes-1000").count == requests)
    }

    @Test func aSilentServer() throws {
        var options = Scratch.impatient
        options.idleSeconds = 0.5
        let store = try scratch.open(Server.standIn.get().address + "/silent/a", options: options)
        expectError("/silent/a/bytes-1000: could not be fetched or sent 4 times: nothing came for") {
            _ = try store.bytes("bytes-1000")
        }
    }

    @Test func notThereAndNotAllowed() throws {
        expectError("is not there (404)", "check the address", code: .badData) {
            _ = try scratch.standIn("missing/a").bytes("bytes-10")
        }
        expectError("access is refused (403)") { _ = try scratch.standIn("forbidden/a").bytes("bytes-10") }
        #expect(try Server.requests("/missing/a/bytes-10").count == 1)
        #expect(try Server.requests("/forbidden/a/bytes-10").count == 1)
    }

    @Test func wrongLength() throws {
        expectError("the server has 1000 bytes", "the index says 999", code: .badData) {
            _ = try scratch.standIn("ok/length").bytes("bytes-1000", size: 999)
        }
        #expect(try Server.requests("/ok/length/bytes-1000").count == 1)
        // What stands behind the stated length is not part of the file.
        #expect(try scratch.standIn("long/a").bytes("bytes-1000") == Server.content(1000))
    }

    @Test func nobodyListens() throws {
        expectError("http://127.0.0.1:9/x", "4 times: Connection refused") {
            _ = try scratch.open("http://127.0.0.1:9/x").bytes("index.json")
        }
        expectError("s3://bucket/x/a: could not", "4 times (http://127.0.0.1:9/bucket/x/a): Connection refused") {
            _ = try scratch.open("s3://bucket/x", ["AWS_ENDPOINT_URL": "http://127.0.0.1:9"]).bytes("a")
        }
    }

    @Test func tokensInAddressesStaySecret() throws {
        let address = try Server.standIn.get().address
        let store = try scratch.open(address + "/keyed/a?token=signed-url-secret")
        #expect(try store.bytes("bytes-100") == Server.content(100))
        #expect(store.location == address + "/keyed/a")
        expectError("whether the access token in it is still good") {
            _ = try scratch.open(address + "/keyed/b?token=wrong-secret").bytes("bytes-100")
        }
        #expect(try Files.list(scratch.cacheFolder).allSatisfy { !$0.contains("secret") })
    }

    @Test func secretsAreNotTakenElsewhere() throws {
        // The stand-in answers S3 requests for a bucket “elsewhere” with a redirect to another host name.
        let environment = [
            "AWS_ENDPOINT_URL": try Server.standIn.get().address, "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
        ]
        _ = try scratch.open("s3://elsewhere", environment).bytes("bytes-77")
        #expect(try Server.requests("/elsewhere/bytes-77").allSatisfy { $0["authorization"] != nil })
        let redirected = try Server.requests("/ok/bytes-77")
        #expect(redirected.count == 1)
        #expect(redirected.allSatisfy { $0["authorization"] == nil && $0["x-amz-date"] == nil })
    }

    @Test func webServersTakeNothing() throws {
        expectError("takes no files", code: .usage) {
            try scratch.standIn("ok/put").put(#filePath, as: "x", cancellation: nil)
        }
    }

    @Test func cancelling() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        expectError("stopped", code: .interrupted) {
            try scratch.standIn("slow/cancel").withFile(
                "bytes-9000000", size: nil, isVerified: false, cancellation: cancellation
            ) { _ in }
        }
    }

    @Test(arguments: ["gs://b/x", "s3://a", "s3://a_b c/x", "dbfs:/FileStore/x", "https://user:secret@host/x"])
    func addressesThatAreNot(_ address: String) { expectError(code: .usage) { _ = try scratch.open(address) } }
}
