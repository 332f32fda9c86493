import Basics
import Foundation
import Testing

/// Supabase's REST interface as a source and a target: a stand-in for PostgREST over a real PostgreSQL, which the official clients
/// prove. One after another: they set faults.
extension DatabaseTests {
    @Suite struct SupabaseTests {
        let folder: TemporaryFolder
        let database: TestDatabase

        init() throws {
            folder = try TemporaryFolder()
            database = try TestDatabase.shared.get()
            try database.clear()
            try database.run(
                "DROP SCHEMA public CASCADE", "CREATE SCHEMA public",
                "GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role")
        }

        /// As that system has it: no key but user and movie, which repeat where `repeats` says so.
        private func makeRatings(_ count: Int, id: Bool = false) throws {
            try database.run(
                """
                CREATE TABLE ratings AS SELECT \(id ? "i AS id, " : "") 1 + i * 37 % 97 AS user_id, \
                1 + (i * 11 + i / 97) % 61 AS movie_id, (1 + i % 9)::real / 2 AS rating \
                FROM generate_series(0, \(count - 1)) i
                """, id ? "ALTER TABLE ratings ADD PRIMARY KEY (id)" : "SELECT 1")
        }

        private func makeTables(_ columns: String = ", bias real, run_id text, exported_at timestamptz") throws {
            for (table, id) in [("movie_embeddings", "movie_id"), ("user_embeddings", "user_id")] {
                try database.run("CREATE TABLE \(table) (\(id) bigint PRIMARY KEY, embedding jsonb\(columns))")
            }
        }

        private func command(_ arguments: [String], _ more: [String: String] = [:]) throws -> (
            status: Int32, output: String, error: String
        ) {
            try starling(arguments, environment: database.environment.merging(more) { $1 })
        }

        /// Lines of the interactions, sorted.
        private func converted(_ source: String, _ more: [String] = []) throws -> (lines: [String], error: String) {
            let file = folder.path("out.csv")
            let result = try command(["data", "convert", "--data", source, "--to", file, "--overwrite"] + more)
            #expect(result.status == 0, "\(result.error)")
            return (try Files.readText(file).split(separator: "\n").dropFirst().map(String.init).sorted(), result.error)
        }

        private func rows() throws -> [String] {
            try database.run("SELECT user_id || ',' || movie_id || ',' || rating::numeric(3,1) FROM ratings").map {
                $0[0]!
            }
            .sorted()
        }

        /// Every row once, whatever the key, the pages' size and how many a server gives at once.
        @Test(arguments: [
            (7_500, false, 1000), (7_500, true, 1000), (6_300, false, 7), (400, true, 2), (3, false, 1000),
        ])
        func readsEveryRowOnce(_ count: Int, _ id: Bool, _ page: Int) throws {
            try makeRatings(count, id: id)
            // Pairs that come many times, so that a page may begin and end within them.
            try database.run(
                "INSERT INTO ratings (\(id ? "id, " : "")user_id, movie_id, rating) SELECT \(id ? "100000 + i, " : "") 5, 5, 0.5 FROM generate_series(1, 2 * least(\(page), 1000) + 1) i"
            )
            #expect(try converted("supabase:ratings?rows=\(page)&parallel=3").lines == rows())
        }

        /// Ids that are texts, so that nothing can be cut into parts; quotes, commas and spaces in them.
        @Test func readsTextIDs() throws {
            try makeRatings(3_000)
            try database.run(
                "ALTER TABLE ratings ALTER user_id TYPE text USING 'u, \"' || user_id || '\\ (ü)&'")
            let text = try converted("supabase:ratings?rows=50").lines
            #expect(text.count == 3_000 && text.contains { $0.contains("u, \"\"1\\ (ü)&") }, "\(text.first ?? "")")
        }

        @Test func refusesRowsThatCannotBe() throws {
            try makeRatings(20)
            try database.run("INSERT INTO ratings VALUES (1, 2, NULL), (NULL, 3, 1)")
            let result = try command(["data", "convert", "--data", "supabase:", "--to", folder.path("x.csv")])
            #expect(result.status == 65 && result.error.contains("is null"), "\(result.error)")
            #expect(try converted("supabase:", ["--skip-bad-rows"]).error.contains("left out 2 of 22 rows"))
        }

        @Test func namesWhatIsWrong() throws {
            try makeRatings(20)
            try database.run("CREATE TABLE empty (user_id int, movie_id int)")
            let closed = "http://127.0.0.1:1"
            for (source, environment, status, part) in [
                ("supabase:nowhere", [:], 65, "Could not find the table"), ("supabase:empty", [:], 65, "shows no row"),
                ("supabase:?what=1", [:], 64, "is no option of Supabase"),
                ("supabase:", ["SUPABASE_KEY": "wrong-word"], 69, "Invalid API key"),
                ("supabase:", ["SUPABASE_KEY": ""], 64, "key of the Supabase project is missing"),
                ("supabase:", ["SUPABASE_URL": ""], 64, "is not named"),
                ("supabase:", ["SUPABASE_URL": closed + "x"], 64, "address of the Supabase project"),
            ] as [(String, [String: String], Int32, String)] {
                let result = try command(["data", "describe", "--data", source], environment)
                #expect(
                    result.status == status && result.error.contains(part),
                    "\(source): \(result.status) \(result.error)")
                #expect(!result.error.contains("wrong-word") && !result.error.contains(database.serviceKey))
            }
            // Row-level security, and privileges.
            try database.run("ALTER TABLE ratings ENABLE ROW LEVEL SECURITY")
            let hidden = try command(
                ["data", "describe", "--data", "supabase:"], ["SUPABASE_KEY": database.anonymousKey])
            #expect(hidden.status == 65 && hidden.error.contains("row-level security hides them"), "\(hidden.error)")
            try database.run("REVOKE ALL ON ratings FROM anon")
            let refused = try command(
                ["data", "describe", "--data", "supabase:"], ["SUPABASE_KEY": database.anonymousKey])
            #expect(refused.status == 69 && refused.error.contains("permission denied"), "\(refused.error)")
        }

        /// Servers that are busy, connections that break, answers that break off, a database that restarts: all rows, once.
        @Test func readsThroughTrouble() throws {
            try makeRatings(6_000)
            try database.add(
                fault: """
                    [{"status": 503, "retry_after": 1, "after": 3}, {"status": 429, "retry_after": 1, "after": 5}, \
                    {"drop_connection_after_requests": 7}, {"truncate_after": 200, "after": 9}]
                    """)
            #expect(try converted("supabase:ratings?rows=200").lines == rows())
            try database.clear()
            try database.add(fault: #"{"delay": 0.05, "count": null}"#)
            let database = database
            let trouble = Thread {
                Thread.sleep(forTimeInterval: 0.5)
                try? database.restart()
            }
            trouble.start()
            #expect(try converted("supabase:ratings?rows=200&parallel=2").lines == rows())
            while !trouble.isFinished { Thread.sleep(forTimeInterval: 0.02) }
        }

        private func stored(_ table: String, _ id: String) throws -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: try database.run("SELECT \(id), embedding FROM \(table)").map { row in
                    // jsonb writes numbers its own way.
                    let list = try JSON.decode([Float].self, from: Array(row[1]!.utf8), file: table)
                    return (row[0]!, "\(list)")
                })
        }

        private func exported(_ run: String, _ kind: String) throws -> [String: String] {
            let file = folder.path("vectors.jsonl")
            #expect(try starling(["export", run, "--to", file]).status == 0)
            struct Line: Decodable {
                let kind, id: String
                let vector: [Float]
            }
            return Dictionary(
                uniqueKeysWithValues: try Files.readText(file).split(separator: "\n").compactMap { text in
                    let line = try JSON.decode(Line.self, from: Array(text.utf8), file: file)
                    return line.kind == kind ? (line.id, "\(line.vector)") : nil
                })
        }

        private func expectHolds(_ run: String) throws {
            #expect(try stored("movie_embeddings", "movie_id") == exported(run, "item"))
            #expect(try stored("user_embeddings", "user_id") == exported(run, "user"))
        }

        /// The whole job by that system's own command line; nothing says the key.
        @Test func doesTheVertexTrainersJob() throws {
            try makeRatings(5_500)
            try makeTables("")
            let csv = try folder.file("ratings.csv", "userId,movieId,rating\n1,2,3\n")
            let run = folder.path("vertex")
            let result = try starling(
                [
                    "train", "mf", "--ratings_csv", csv, "--val_size", "0.1", "--batch_size", "512", "--factors", "8",
                    "--epochs", "2", "--lr", "1e-3", "--weight_decay", "1e-6", "--dropout", "0.1", "--clip_grad", "1.0",
                    "--use_cuda", "--supabase_url", database.project, "--supabase_key", database.serviceKey,
                    "--import_table", "ratings", "--movie_export_table", "movie_embeddings", "--user_export_table",
                    "user_embeddings", "--output", run, "--json",
                ], environment: ["SUPABASE_KEY": "", "SUPABASE_URL": ""])
            #expect(result.status == 0, "\(result.error)")
            #expect(result.error.contains("ratings.csv is not read") && result.error.contains("5,500 interactions"))
            #expect(result.error.matches(of: /val_rmse/).count == 2)
            try expectHolds(run)
            // Tables that cannot say what they hold: that is told.
            #expect(result.error.contains("has no column run_id"))
            let found = try shell("grep -rlF '\(database.serviceKey)' \(folder.url.path)")
            #expect(found.output.isEmpty && !(result.output + result.error).contains(database.serviceKey))
            // Nothing needs Supabase: a file in, SQLite out.
            let local = folder.path("local")
            let own = try starling([
                "train", "mf", "--ratings_csv",
                try folder.file("r.csv", TrainCommandTests.ratings(users: 90, items: 60)),
                "--output", local,
            ])
            #expect(own.status == 0 && own.error.contains("embeddings.sqlite"), "\(own.error)")
            #expect(Files.exists(local + "/embeddings.sqlite"))
        }

        /// Before an hour's training.
        @Test func findsTablesThatCannotTakeVectorsFirst() throws {
            try makeTables()
            try makeRatings(50)
            let result = try command([
                "train", "mf", "--import_table", "ratings", "--movie_export_table", "absent", "--output",
                folder.path("run"),
            ])
            #expect(
                result.status == 65 && result.error.contains("absent") && !result.error.contains("epoch"),
                "\(result.error)"
            )
            #expect(Files.kind(folder.path("run")) == nil)
        }

        private func run(_ factors: Int = 8, seed: Int = 1) throws -> String {
            let run = folder.path("run-\(factors)-\(seed)")
            let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 900, items: 60))
            let result = try starling([
                "train", "mf", "--data", ratings, "--output", run, "--factors", "\(factors)", "--epochs", "1", "--seed",
                "\(seed)",
            ])
            #expect(result.status == 0, "\(result.error)")
            return run
        }

        /// Rows of others go, repeated exports change nothing, and faults neither lose nor repeat a row.
        @Test(arguments: [true, false]) func exportsHoldOneRun(_ namesRuns: Bool) throws {
            try makeTables(namesRuns ? ", bias real, run_id text, exported_at timestamptz" : "")
            try database.run("INSERT INTO movie_embeddings (movie_id, embedding) VALUES (999999, '[]'), (1, '[]')")
            let (first, second) = (try run(), try run(seed: 2))
            for run in [first, second] {
                try database.add(
                    fault: """
                        [{"status": 503, "retry_after": 1, "method": "POST", "after": 2}, {"drop_after_commit": true, "method": "POST", "after": 4}, \
                        {"drop_connection_after_requests": 9}, {"status": 429, "retry_after": 1, "method": "DELETE"}]
                        """)
                let result = try command(["export", run, "--to", "supabase:?body=20000"])
                #expect(result.status == 0, "\(result.error)")
                try expectHolds(run)
                try database.clear()
            }
            if namesRuns { #expect(try database.run("SELECT count(DISTINCT run_id) FROM user_embeddings") == [["1"]]) }
        }

        /// A half-done export continues with what is missing; until then the manifest and the rows say which run they are of.
        @Test func exportsGoOn() throws {
            try makeTables()
            try database.run(
                "CREATE TABLE starling_exports (table_name text PRIMARY KEY, run_id text, rows int, started_at timestamptz, finished_at timestamptz)"
            )
            let (first, second) = (try run(), try run(seed: 2))
            #expect(try command(["export", first, "--to", "supabase:"]).status == 0)
            try database.clear()
            // Every request takes a while, so that a signal comes in the middle.
            try database.add(fault: #"{"delay": 0.2, "method": "POST", "count": null}"#)
            let stopped = try shell(
                "timeout -s KILL 2.5 \(builtProducts.path)/starling export \(second) --to 'supabase:?body=9000&parallel=1'",
                environment: database.environment)
            #expect(stopped.status == 137 || stopped.status == -9, "\(stopped.status) \(stopped.error)")
            let mixed = try database.run("SELECT count(DISTINCT run_id) FROM user_embeddings")
            #expect(mixed == [["2"]])
            #expect(
                try database.run(
                    "SELECT finished_at IS NULL FROM starling_exports WHERE table_name = 'user_embeddings'")
                    == [["t"]])
            let done = Int(
                try database.run(
                    "SELECT count(*) FROM user_embeddings WHERE run_id <> (SELECT run_id FROM starling_exports WHERE table_name = 'movie_embeddings')"
                )[0][0]!)!
            #expect(done > 0 && done < 900)
            try database.clear()
            #expect(try command(["export", second, "--to", "supabase:?body=9000&parallel=1"]).status == 0)
            try expectHolds(second)
            let posts = try database.log().filter { $0.hasPrefix("POST") && $0.contains("user_embeddings") }.count
            // What was there already was not sent again.
            #expect(posts < (900 - done) / 20 + 10, "\(posts) posts for \(900 - done) rows")
            #expect(try database.run("SELECT count(*) FROM starling_exports WHERE finished_at IS NULL") == [["0"]])
        }

        /// Tables without a unique id, as that system's may be: rows are replaced, and it is said.
        @Test func replacesWhereIDsAreNotUnique() throws {
            try database.run(
                "CREATE TABLE movie_embeddings (id serial, movie_id bigint, embedding jsonb)",
                "CREATE TABLE user_embeddings (id serial, user_id text, embedding real[])",
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO service_role")
            let run = try run()
            for _ in 0..<2 {
                let result = try command(["export", run, "--to", "supabase:"])
                #expect(result.status == 0 && result.error.contains("movie_id is not unique"), "\(result.error)")
            }
            #expect(try stored("movie_embeddings", "movie_id") == exported(run, "item"))
            #expect(
                try database.run("SELECT count(*), count(DISTINCT user_id) FROM user_embeddings") == [["900", "900"]])
        }

        /// A body that is too large for the server is cut, a rate is kept.
        @Test func keepsLimits() throws {
            try makeTables()
            let run = try run()
            try database.add(fault: #"{"status": 413, "method": "POST", "count": 3}"#)
            #expect(try command(["export", run, "--to", "supabase:"]).status == 0)
            try expectHolds(run)
            let start = Date()
            #expect(try command(["export", run, "--to", "supabase:?rate=10"]).status == 0)
            #expect(Date().timeIntervalSince(start) > 1)
            let key = try folder.file("key", database.serviceKey + "\n")
            try database.run("ALTER TABLE movie_embeddings ALTER embedding TYPE text", "DELETE FROM movie_embeddings")
            #expect(try command(["export", run, "--to", "supabase:?vectors=text"]).status == 0)
            #expect(try stored("movie_embeddings", "movie_id") == exported(run, "item"))
            try database.run("ALTER TABLE movie_embeddings ALTER embedding TYPE jsonb USING embedding::jsonb")
            // Another form of the same weights is another export.
            #expect(try command(["export", run, "--to", "supabase:", "--folded"]).status == 0)
            #expect(try database.run("SELECT DISTINCT jsonb_array_length(embedding) FROM user_embeddings") == [["10"]])
            let byFile = try command(
                ["export", run, "--to", "supabase:", "--supabase-key-file", key], ["SUPABASE_KEY": ""])
            #expect(byFile.status == 0, "\(byFile.error)")
        }

        /// What the official client writes we read, and what we write it reads.
        @Test func exchangesWithTheOfficialClient() throws {
            try database.run(
                "CREATE TABLE ratings (user_id bigint, movie_id bigint, rating real, PRIMARY KEY (user_id, movie_id))")
            try makeTables()
            let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
            func client(_ code: String) throws -> String {
                let file = try folder.file(
                    "client.py",
                    """
                    import csv, json, sys
                    from supabase import create_client
                    db = create_client("\(database.project)", "\(database.serviceKey)")
                    \(code)
                    """)
                let result = try shell("\(StandIn.python) \(file)")
                try #require(result.status == 0, "\(result.error)")
                return result.output
            }
            _ = try client(
                """
                rows = [{"user_id": int(u), "movie_id": int(m), "rating": float(r)} for u, m, r, *_ in list(csv.reader(open("\(ratings)")))[1:]]
                for start in range(0, len(rows), 500):
                    db.table("ratings").upsert(rows[start:start + 500]).execute()
                """)
            let run = folder.path("run")
            let trained = try command([
                "train", "mf", "--data", "supabase:", "--output", run, "--factors", "4", "--epochs", "1",
            ])
            #expect(trained.status == 0, "\(trained.error)")
            #expect(try converted("supabase:").lines == rows())
            #expect(try command(["export", run, "--to", "supabase:"]).status == 0)
            let read = try client(
                """
                rows = db.table("movie_embeddings").select("movie_id, embedding").order("movie_id").execute().data
                print(json.dumps({str(row["movie_id"]): row["embedding"] for row in rows}))
                """)
            let vectors = try JSON.decode([String: [Float]].self, from: Array(read.utf8), file: "the client")
            #expect(vectors.mapValues { "\($0)" } == (try exported(run, "item")))
        }

        /// The official clients make their ordinary calls against the stand-in.
        @Test func officialClientsProveTheStandIn() throws {
            let proved = try shell("\(StandIn.python) \(StandIn.folder)/prove.py")
            #expect(proved.status == 0 && proved.output.contains("proved"), "\(proved.output)\(proved.error)")
        }
    }
}
