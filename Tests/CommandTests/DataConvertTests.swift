import Basics
import Formats
import Foundation
import Interactions
import Kernels
import Testing

/// `data convert` of interactions, from the outside.
@Suite struct DataConvertTests {
    let folder: TemporaryFolder
    let ratings: String
    let count: Int

    init() throws {
        folder = try TemporaryFolder()
        let text = TrainCommandTests.ratings(users: 60, items: 40)
        ratings = try folder.file("ratings.csv", text)
        count = text.split(separator: "\n").count - 1
    }

    /// A way to write interactions, and what it keeps of them.
    struct Form: Sendable, CustomTestStringConvertible {
        let name: String
        let options: [String]
        var keepsValues = true, keepsTimes = true
        var testDescription: String { name }
    }

    static let forms = [
        Form(name: "a.csv", options: []), Form(name: "b.tsv", options: []), Form(name: "c.npz", options: []),
        Form(name: "d.npz", options: ["--compression", "deflate"]),
        Form(name: "e.npz", options: ["--form", "pairs"], keepsValues: false, keepsTimes: false),
        Form(name: "f.npy", options: [], keepsValues: false, keepsTimes: false),
        Form(name: "g.npz", options: ["--form", "csr", "--compression", "deflate"], keepsTimes: false),
        Form(name: "h", options: ["--form", "mds", "--size-limit", "4000", "--hashes", "sha1"]),
        Form(name: "i", options: ["--form", "mds", "--compression", "zstd:7", "--hashes", "xxh3_64,md5"]),
        Form(name: "j/", options: ["--form", "mds", "--compression", "gz"]),
    ]

    func convert(_ source: String, _ target: String, _ options: [String] = []) throws -> (
        status: Int32, output: String, error: String
    ) { try starling(["data", "convert", "--data", source, "--to", target] + options) }

    func read(_ path: String) throws -> InteractionLog {
        try InteractionReader.read(path, options: ReadingOptions(), workers: Workers(threads: 2)).log
    }

    /// Interactions as sorted text, less what is not kept.
    func lines(_ log: InteractionLog, values: Bool, times: Bool) -> [String] {
        (0..<log.count).map { index in
            let (user, item) = (UserRow(Int(log.userRows[index])), ItemRow(Int(log.itemRows[index])))
            let value = values ? "\(log.values![index])" : ""
            return "\(log.users[user]) \(log.items[item]) \(value) \(times ? "\(log.times![index])" : "")"
        }.sorted()
    }

    /// From every format to every other.
    @Test(arguments: forms) func everyFormatGoesIntoEveryOther(from: Form) throws {
        let source = folder.path(from.name)
        let first = try convert(ratings, source, from.options + ["--json"])
        #expect(first.status == 0, "\(first.error)")
        let answer = try #require(try JSONSerialization.jsonObject(with: Data(first.output.utf8)) as? [String: Any])
        #expect(answer["interactions"] as? Int == count)
        let whole = try read(ratings)
        for to in Self.forms {
            let target = folder.path("again-" + to.name)
            let result = try convert(source, target, to.options)
            #expect(result.status == 0, "\(from.name) to \(to.name): \(result.error)")
            let log = try read(target)
            let (values, times) = (from.keepsValues && to.keepsValues, from.keepsTimes && to.keepsTimes)
            #expect(log.times == nil || times)
            #expect(
                lines(log, values: values, times: times) == lines(whole, values: values, times: times),
                "\(from.name) to \(to.name)")
        }
        let left = try Files.list(folder.path("")).filter { $0.contains(".tmp-") }
        #expect(left.isEmpty, "\(left)")
    }

    /// NumPy, SciPy and the streaming package read what was written.
    @Test func othersReadWhatIsWritten() throws {
        let environment = ProcessInfo.processInfo.environment
        let script = """
            import csv, sys
            name, path = sys.argv[1:]
            if name[0] in "ab":
                rows = list(csv.reader(open(path), delimiter="," if name[0] == "a" else "\\t"))
                assert rows[0] == ["user", "item", "rating", "timestamp"]
                rows = [(int(u), int(i), float(r), int(t)) for u, i, r, t in rows[1:]]
            elif name[0] in "cd":
                import numpy
                file = numpy.load(path)
                rows = zip(*(file[key].tolist() for key in ["users", "items", "values", "times"]))
            elif name[0] in "ef":
                import numpy
                array = numpy.load(path)
                array = array["arr_0"] if name[0] == "e" else array
                assert array.dtype == "int64"
                rows = array.tolist()
            elif name[0] == "g":
                import scipy.sparse
                matrix = scipy.sparse.load_npz(path).tocoo()
                rows = zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist())
            else:
                import tempfile
                from streaming import StreamingDataset
                from streaming.base.util import clean_stale_shared_memory
                clean_stale_shared_memory()
                hash = {"h": "sha1", "i": "md5"}.get(name[0])
                data = StreamingDataset(remote=path, local=tempfile.mkdtemp(), validate_hash=hash, batch_size=1,
                                        num_canonical_nodes=1, shuffle=False)
                rows = [[data[k][key].item() for key in ["user", "item", "rating", "timestamp"]] for k in range(len(data))]
            for row in sorted(map(tuple, rows)): print(*row)
            """
        let log = try read(ratings)
        for form in Self.forms {
            let isMDS = form.options.contains("mds")
            guard let python = environment[isMDS ? "STARLING_MDS_PYTHON" : "STARLING_PYTHON"] else {
                print("no \(isMDS ? "STARLING_MDS_PYTHON" : "STARLING_PYTHON"): nobody else read \(form.name)")
                continue
            }
            #expect(try convert(ratings, folder.path(form.name), form.options).status == 0)
            let path = try folder.file("script.py", script)
            let result = try shell("'\(python)' -W ignore '\(path)' \(form.name) '\(folder.path(form.name))'")
            let expected = (0..<log.count).map { index in
                let user = Int(log.users[UserRow(Int(log.userRows[index]))])!
                let item = Int(log.items[ItemRow(Int(log.itemRows[index]))])!
                return (user, item, log.values![index], log.times![index])
            }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map { user, item, value, time in
                "\(user) \(item)" + (form.keepsValues ? " \(value)" : "") + (form.keepsTimes ? " \(time)\n" : "\n")
            }
            #expect(result.status == 0 && result.output == expected.joined(), "\(form.name): \(result.error)")
        }
    }

    /// Ids of text, with separators, quotes and blanks in them.
    @Test func textIDsGoWhereTheyCan() throws {
        let source = try folder.file("t.csv", "user,item\n\"a,b\",1\n\"say \"\"x\"\"\",é\n\" c \",\"tab\there\"\n")
        let expected = lines(try read(source), values: false, times: false)
        for name in ["u.tsv", "u.npz", "u"] {
            #expect(try convert(source, folder.path(name), name == "u" ? ["--form", "mds"] : []).status == 0)
            #expect(try convert(folder.path(name), folder.path("back.csv"), ["--overwrite"]).status == 0)
            #expect(lines(try read(folder.path("back.csv")), values: false, times: false) == expected, "\(name)")
        }
        for form in ["pairs", "csr"] {
            let result = try convert(source, folder.path("x.npz"), ["--form", form])
            #expect(result.status == 65 && result.error.contains("not whole numbers of 0 or more"), "\(result.error)")
            #expect(!Files.exists(folder.path("x.npz")))
        }
    }

    @Test func wrongUsageSaysSo() throws {
        _ = try folder.file("there.npz", "mine")
        _ = try folder.file("notes.txt", "mine")
        try Files.makeDirectory(folder.path("mine"))
        _ = try folder.file("mine/index.json", "{}")
        _ = try folder.file("mine/notes", "x")
        let cases: [([String], String)] = [
            ([folder.path("x")], "does not say which format"), ([folder.path("x.pth")], "is no .pth"),
            ([folder.path("there.npz")], "--overwrite"),
            ([folder.path("mine"), "--form", "mds"], "there is a folder already"),
            (
                [folder.path("mine"), "--form", "mds", "--overwrite"],
                "“notes”, which is no part of a data set of shards"
            ),
            ([folder.path("mine"), "--form", "csv", "--overwrite"], "there is something already"),
            ([folder.path("notes.txt"), "--form", "mds", "--overwrite"], "is not a folder"),
            ([folder.path("x.npz"), "--compression", "zstd"], "takes deflate"),
            ([folder.path("x.npy"), "--compression", "deflate"], "--compression deflate"),
            ([folder.path("x.csv"), "--compression", "deflate"], "leave it out"),
            ([folder.path("x"), "--form", "mds", "--compression", "br"], "use zstd"),
            ([folder.path("x"), "--form", "mds", "--hashes", "crc"], "the hash “crc”"),
            ([folder.path("x"), "--form", "mds", "--size-limit", "0"], "size limit"),
            ([folder.path("x.csv"), "--hashes", "md5"], "are for shards"),
            ([folder.path("x.safetensors")], "is no .pth"),
            ([folder.path("x.npy"), "--form", "npz"], "holds one array"),
        ]
        for (arguments, words) in cases {
            let result = try convert(ratings, arguments[0], Array(arguments.dropFirst()))
            #expect(result.status == 64 && result.error.contains(words), "\(arguments): \(result.error)")
            #expect(result.output.isEmpty)
        }
        #expect(try Files.readText(folder.path("there.npz")) == "mine")
        #expect(try Files.list(folder.path("")).sorted() == ["mine", "notes.txt", "ratings.csv", "there.npz"])
        let absent = try convert(folder.path("absent.csv"), folder.path("x.npz"))
        #expect(absent.status == 65)
    }

    @Test func badShardsAreBadData() throws {
        let shards = folder.path("shards")
        let options = ["--form", "mds", "--size-limit", "5000", "--hashes", "xxh3_64"]
        #expect(try convert(ratings, shards, options).status == 0)
        let file = shards + "/shard.00001.mds"
        let sound = try Files.read(file)
        var bytes = sound
        bytes[bytes.count / 2] ^= 4
        for (content, words) in [
            (bytes, "its xxh3_64 is"), (sound.dropLast(), "the index says"), ([], "the index says"),
        ] {
            try Files.write(content, to: file)
            let result = try convert(shards, folder.path("x.csv"))
            #expect(
                result.status == 65 && result.error.contains("shard 00001") && result.error.contains(words),
                "\(result.error)")
            #expect(!Files.exists(folder.path("x.csv")))
        }
        try Files.write(sound, to: file)
        let columns = try convert(shards, folder.path("x.csv"), ["--columns", "user=user,item=film"])
        #expect(columns.status == 64 && columns.error.contains("“item”, “rating”, “timestamp”, “user”"))
        let swapped = try convert(shards, folder.path("x.csv"), ["--columns", "user=item,item=user"])
        #expect(swapped.status == 0)
        #expect(try read(folder.path("x.csv")).users.count == 40)
        // Shards train as the text does.
        let digests = try [ratings, shards].map { source in
            let run = folder.path("run-\(Files.name(source))")
            let result = try starling([
                "train", "mf", "--data", source, "--output", run, "--factors", "4", "--epochs", "2", "--json",
            ])
            #expect(result.status == 0, "\(result.error)")
            return try weightsDigest(result.output)
        }
        #expect(digests[0] == digests[1])
    }

    /// On a terminal: a bar with the rate and the time left.
    @Test(.enabled(if: Files.exists("/usr/bin/script"), "needs the program “script” to make a terminal"))
    func aTerminalShowsProgress() throws {
        let command = builtProducts.appendingPathComponent("starling").path
        for (target, options) in [("p.csv", ""), ("p.npz", ""), ("p", "--form mds")] {
            let line = "\(command) data convert --data \(ratings) --to \(folder.path(target)) \(options)"
            let result = try shell(
                "stty cols 120 2>/dev/null; script -qec '\(line)' /dev/null",
                environment: ["TERM": "xterm", "COLUMNS": "120"])
            #expect(result.status == 0 && result.output.contains("\rreading "), "\(result)")
            #expect(result.output.contains("\rwriting "), "\(result)")
            #expect(result.output.contains("%") && result.output.contains(" left"), "\(result)")
        }
    }
}
