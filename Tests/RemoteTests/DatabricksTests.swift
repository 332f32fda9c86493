import Basics
import Formats
import Remote
import Testing

/// Volumes: mounted, and on a stand-in for the Files API.
struct DatabricksTests {
    private let scratch = try! Scratch()

    @Test func filesOfAVolume() throws {
        let store = try scratch.volume("v/set")
        #expect(store.location == "dbfs:/Volumes/main/default/v/set")
        let file = scratch.folder + "/x"
        for (name, count) in [("a.mds", 10), ("b c.mds", 20), ("deep/d.npz", 2_000_000), ("e.mds", 0), ("f.mds", 5)] {
            try Files.write(Server.content(count), to: file)
            try store.put(file, as: name, cancellation: nil)
            #expect(try store.bytes(name, size: count) == Server.content(count))
        }
        expectError("dbfs:/Volumes/main/default/v/set/absent: is not there", "NOT_FOUND", code: .badData) {
            _ = try store.bytes("absent")
        }
    }

    @Test func mountedVolumesAreFolders() throws {
        try Files.makeDirectory(scratch.folder + "/Volumes/a/b/c")
        try Files.write([1, 2], to: scratch.folder + "/Volumes/a/b/c/x")
        for address in ["dbfs:/Volumes/a/b/c", "dbfs:///Volumes/a/b/c/", "DBFS:/Volumes/a//b/c"] {
            let store = try scratch.open(address)
            #expect(store is LocalFolder && store.location == scratch.folder + "/Volumes/a/b/c")
            #expect(try store.bytes("x") == [1, 2])
        }
        expectError("is not mounted here, and DATABRICKS_HOST and DATABRICKS_TOKEN are not set", code: .usage) {
            _ = try scratch.open("dbfs:/Volumes/a/b/d")
        }
    }

    @Test func whatIsMissing() throws {
        expectError("DATABRICKS_TOKEN is not set", code: .usage) {
            _ = try scratch.open("dbfs:/Volumes/a/b/c", ["DATABRICKS_HOST": "https://x.example"])
        }
        expectError("access is refused (401 UNAUTHENTICATED)", "DATABRICKS_TOKEN") {
            _ = try scratch.volume("v", token: "wrong").bytes("x")
        }
        expectError("http://", "show the token", code: .usage) {
            let host = ["DATABRICKS_HOST": "http://x.example", "DATABRICKS_TOKEN": "t"]
            _ = try scratch.open("dbfs:/Volumes/a/b/c", host)
        }
    }
}
