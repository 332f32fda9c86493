import Basics
import Foundation
import Testing

/// What the documents tell people to type, typed.
@Suite struct DocumentsTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        _ = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    /// Blocks of one language, in order.
    static func blocks(_ document: String, _ language: String) throws -> [String] {
        let path = Files.parent(Files.parent(Files.parent(#filePath))) + "/docs/" + document
        var (blocks, open): ([String], String?) = ([], nil)
        for line in try Files.readText(path).split(separator: "\n", omittingEmptySubsequences: false) {
            if let text = open {
                open = line == "```" ? nil : text + line + "\n"
                if open == nil { blocks.append(text) }
            } else if line == "```" + language {
                open = ""
            }
        }
        return blocks
    }

    func type(_ blocks: [String], _ environment: [String: String] = [:]) throws {
        for block in blocks {
            let result = try shell(
                "set -euo pipefail; cd \(folder.url.path); PATH=\(builtProducts.path):$PATH\n" + block,
                environment: environment)
            #expect(result.status == 0, "\(block)\(result.error)")
        }
    }

    @Test func reports() throws { try type(Self.blocks("reports.md", "sh")) }

    @Test func stores() throws {
        try type([
            """
            \(StandIn.python) - <<'E'
            import csv, sqlite3
            db = sqlite3.connect("app.db")
            db.execute("CREATE TABLE ratings (user_id, movie_id, rating, timestamp)")
            db.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", [row[:3] + ["0"] for row in list(csv.reader(open("ratings.csv")))[1:]])
            db.commit()
            E
            """
        ])
        try type(Self.blocks("stores.md", "sh"))
        let code =
            try Self.blocks("stores.md", "python")[0] + """
                assert np.array_equal(npz["item_factors"], st["item_factors"])
                items = [row for row in rows if row["kind"] == "item"]
                assert [row["id"] for row in items] == ids == [line.split()[0] for line in vec] == [str(i) for i in npz["items"]]
                width = npz["item_factors"].shape[1]
                floats = lambda texts: np.array(texts, "f4")
                assert np.array_equal(floats([[row[f"f{k}"] for k in range(1, width + 1)] for row in items]), npz["item_factors"])
                assert np.array_equal(floats([line["vector"] for line in lines if line["kind"] == "item"]), npz["item_factors"])
                assert head.split() == [str(len(ids)), str(width)]
                assert np.array_equal(floats([line.split()[1:] for line in vec]), npz["item_factors"])
                assert np.array_equal(fvecs[:, :width], npz["item_factors"]) and np.array_equal(fvecs[:, -1], npz["item_biases"])
                """
        let file = try folder.file("load.py", code)
        let loaded = try shell("cd \(folder.url.path) && \(StandIn.python) \(file)")
        guard !loaded.error.contains("ModuleNotFoundError") else {
            return print("skipped: STARLING_PYTHON lacks NumPy")
        }
        #expect(loaded.status == 0, "\(loaded.error)")
    }

    @Test(.enabled(if: hasTorch, "run `make torch` for this test")) func distributed() throws {
        try type(Self.blocks("distributed.md", "sh"))
    }

    @Test func vertex() throws { try type(Self.blocks("vertex.md", "sh")) }
}

extension DatabaseTests {
    @Test func supabaseDocument() throws {
        let database = try TestDatabase.shared.get()
        try database.clear()
        try database.run(
            "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO service_role",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO service_role")
        for block in try DocumentsTests.blocks("supabase.md", "sql") {
            for statement in block.split(separator: ";") where statement.contains("create") {
                try database.run(String(statement))
            }
        }
        try database.run(
            "INSERT INTO ratings SELECT 1 + i % 40, 1 + i % 61, 1 + i % 5 FROM generate_series(0, 2000) i")
        try DocumentsTests().type(DocumentsTests.blocks("supabase.md", "sh"), database.environment)
        #expect(try database.run("SELECT count(*) FROM movie_embeddings WHERE run_id IS NOT NULL") == [["61"]])
    }
}
