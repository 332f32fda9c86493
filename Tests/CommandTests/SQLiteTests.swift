import Basics
import Foundation
import Testing

/// SQLite as a source and a target. Python's own `sqlite3` writes and reads beside us.
@Suite struct SQLiteTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func python(_ code: String) throws -> String {
        let file = try folder.file(
            "do.py", "import sqlite3, json\ndb = sqlite3.connect('\(folder.path("data.db"))')\n" + code)
        let result = try shell("\(StandIn.python) \(file)")
        #expect(result.status == 0, "\(result.error)")
        return result.output
    }

    private func converted(_ more: [String] = []) throws -> (status: Int32, text: String, error: String) {
        let file = folder.path("out.csv")
        let result = try starling(
            ["data", "convert", "--data", "sqlite:\(folder.path("data.db"))", "--to", file, "--overwrite"] + more)
        return (result.status, (try? Files.readText(file)) ?? "", result.error)
    }

    /// SQLite's columns hold anything.
    @Test func readsWhatIsInATable() throws {
        _ = try python(
            """
            db.execute("CREATE TABLE ratings (user_id, movie_id, rating, created_at)")
            db.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", [(1, "b", 2.5, "2001-09-09 01:46:40"),
                (2.0, "ä", "3", 1000000001), ("3", 7, 1, 1000000002.5)])
            db.commit()
            """)
        let result = try converted()
        #expect(
            result.text.split(separator: "\n").dropFirst() == [
                "1,b,2.5,1000000000", "2,ä,3.0,1000000001", "3,7,1.0,1000000002",
            ], "\(result.text) \(result.error)")
        for (row, part) in [
            ("(NULL, 1, 1, 1)", "row 4, column “user_id” is null"),
            ("(1.5, 1, 1, 1)", "neither a whole number nor a text"),
            ("(1, x'00', 1, 1)", "holds bytes, not an id"), ("(1, 1, 'much', 1)", "which is not a number"),
            ("(1, 1, 1, 'soon')", "which is not a time"), ("(1, '', 1, 1)", "the id is empty"),
            ("(1, 1, 9e99, 1)", "not finite"),
        ] {
            _ = try python(
                "db.execute(\"DELETE FROM ratings WHERE rowid > 3\"); db.execute(\"INSERT INTO ratings VALUES \(row)\"); db.commit()"
            )
            let refused = try converted()
            #expect(refused.status == 65 && refused.error.contains(part), "\(row): \(refused.error)")
            #expect(try converted(["--skip-bad-rows"]).text.split(separator: "\n").count == 4)
        }
        #expect(
            try starling(["train", "mf", "--data", "sqlite:\(folder.path("no.db"))", "--output", folder.path("r")])
                .status == 65)
        #expect(Files.kind(folder.path("no.db")) == nil)
    }

    @Test func exportsAreThisRuns() throws {
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
        for seed in ["1", "2"] {
            #expect(
                try starling([
                    "train", "mf", "--data", ratings, "--output", folder.path("run"), "--overwrite", "--epochs", "1",
                    "--factors", "4", "--seed", seed,
                ]).status == 0)
            #expect(
                try starling(["export", folder.path("run"), "--to", "sqlite:\(folder.path("data.db"))"]).status == 0)
        }
        #expect(try starling(["export", folder.path("run"), "--to", folder.path("v.npz")]).status == 0)
        let answer = try python(
            """
            try:
                import numpy as np
            except ImportError:
                print("skipped")
            else:
                arrays = np.load('\(folder.path("v.npz"))')
                for table, column, ids, vectors, biases in (("movie_embeddings", "movie_id", "items", "item_factors", "item_biases"),
                        ("user_embeddings", "user_id", "users", "user_factors", "user_biases")):
                    rows = db.execute(f"SELECT {column}, embedding, bias FROM {table} ORDER BY {column}").fetchall()
                    assert [row[0] for row in rows] == arrays[ids].tolist()
                    assert (np.array([json.loads(row[1]) for row in rows], "f4") == arrays[vectors]).all()
                    assert (np.array([row[2] for row in rows], "f4") == arrays[biases]).all()
                    assert db.execute(f"SELECT count(DISTINCT run_id) FROM {table}").fetchone() == (1,)
                print("same")
            """)
        #expect(answer == "same\n" || answer == "skipped\n")
        _ = try python(
            "db.execute('DROP TABLE movie_embeddings'); db.execute('CREATE TABLE movie_embeddings (a)'); db.commit()")
        let refused = try starling(["export", folder.path("run"), "--to", "sqlite:\(folder.path("data.db"))"])
        #expect(refused.status == 65 && refused.error.contains("has no column “movie_id”"), "\(refused.error)")
    }
}
