import Basics
import Foundation
import Testing

/// PostgreSQL as a source and a target, with a real server. One after another: they restart it.
extension DatabaseTests {
    @Suite struct PostgresTests {
        let folder: TemporaryFolder
        let database: TestDatabase

        init() throws {
            folder = try TemporaryFolder()
            database = try TestDatabase.shared.get()
            try database.run(
                "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO PUBLIC")
        }

        private func makeRatings(_ count: Int = 4000, _ name: String = "ratings") throws {
            try database.run(
                """
                CREATE TABLE \(name) AS SELECT 1 + i * 37 % 97 AS user_id, 1 + (i * 11 + i / 97) % 61 AS movie_id,
                (1 + i % 9)::numeric / 2 AS rating, to_timestamp(1e9 + i) AS created_at, 'x' AS note
                FROM generate_series(0, \(count - 1)) i
                """)
        }

        private func converted(_ source: String, _ more: [String] = []) throws -> (
            status: Int32, text: String, error: String
        ) {
            let file = folder.path("out.csv")
            let result = try starling(["data", "convert", "--data", source, "--to", file, "--overwrite"] + more)
            return (result.status, (try? Files.readText(file)) ?? "", result.error)
        }

        @Test func readsWhatIsInATable() throws {
            try makeRatings(200)
            let result = try converted(database.url)
            #expect(result.status == 0, "\(result.error)")
            let rows = try database.run(
                """
                SELECT user_id || ',' || movie_id || ',' || rating::float8::numeric(3,1) || ',' || extract(epoch FROM created_at)::int8
                FROM ratings
                """
            ).map { $0[0]! }
            #expect(result.text.split(separator: "\n").dropFirst().map(String.init) == rows)
            // A run says where its ratings came from.
            #expect(result.error.contains("PostgreSQL table “ratings”"))
        }

        /// Ids, values and times of many types; a schema of its own, names with odd characters, a view.
        @Test func readsManyTypes() throws {
            try database.run(
                #"CREATE SCHEMA "odd ""s""" "#,
                #"CREATE TABLE "odd ""s"""."r t" ("who?" uuid, "what, then" varchar(9), "much" smallint, "when" date)"#,
                #"INSERT INTO "odd ""s"""."r t" VALUES ('00000000-0000-0000-0000-00000000000a', 'ä b', 3, '2001-09-09')"#,
                #"CREATE VIEW ratings AS SELECT "who?" AS user_id, "what, then" AS item_id, "much" AS rating FROM "odd ""s"""."r t""#
            )
            let named = try converted(
                database.url + "?table=odd \"s\".r t", ["--columns", "user=who?,item=what, then,value=much,time=when"])
            // A comma parts the options of --columns, so that the view is the way there.
            #expect(named.status == 64)
            let view = try converted(database.url)
            #expect(view.text.contains("00000000-0000-0000-0000-00000000000a,ä b,3"), "\(view.error)")
            try database.run(
                "CREATE TABLE texts (u text, i text, r text, t text)",
                "INSERT INTO texts VALUES ('7', 'b', '1.5', '2001-09-09 01:46:40+00')")
            let texts = try converted(database.url + "?table=texts", ["--columns", "user=u,item=i,value=r,time=t"])
            #expect(texts.text.contains("7,b,1.5,1000000000"), "\(texts.error)")
        }

        @Test func refusesRowsThatCannotBe() throws {
            try makeRatings(50)
            try database.run("INSERT INTO ratings VALUES (1, NULL, 2, now(), ''), (2, 3, 'NaN', now(), '')")
            let result = try converted(database.url)
            #expect(
                result.status == 65 && result.error.contains("row 51, column “movie_id” is null"), "\(result.error)")
            let skipped = try converted(database.url, ["--skip-bad-rows"])
            #expect(skipped.status == 0 && skipped.error.contains("left out 2 of 52 rows"), "\(skipped.error)")
            try database.run(
                "DELETE FROM ratings WHERE movie_id IS NULL OR rating = 'NaN'",
                "INSERT INTO ratings SELECT * FROM ratings LIMIT 1")
            let twice = try converted(database.url, ["--duplicates", "error"])
            #expect(twice.status == 65, "\(twice.error)")
        }

        @Test func namesWhatIsNotThere() throws {
            try makeRatings(10)
            for (source, more, status, part) in [
                (database.url + "?table=absent", [], 65, "there is no table “absent”"),
                (database.url, ["--columns", "user=user_id,item=nope"], 64, "names a column that is not there"),
                (database.url, ["--columns", "user=user_id,item=movie_id,time=note"], 65, "which is not a time"),
                (database.url, ["--columns", "user=user_id,item=movie_id,value=created_at"], 65, "a number expected"),
                (database.url.replacingOccurrences(of: "postgres@", with: "nobody_here@"), [], 69, "nobody_here"),
                ("postgres://x:hidden-word@127.0.0.1:1/y?sslmode=disable", [], 69, "Connection refused"),
                ("postgres://x:hidden-word@127.0.0.1:1/y?sslmode=perhaps", [], 69, "sslmode"),
            ] as [(String, [String], Int32, String)] {
                let result = try converted(source, more)
                #expect(
                    result.status == status && result.error.contains(part),
                    "\(source): \(result.status) \(result.error)")
                #expect(!result.error.contains("hidden-word"))
            }
        }

        @Test func saysWhichPrivilegeIsMissing() throws {
            try makeRatings(10)
            try database.run(
                "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN", "GRANT USAGE ON SCHEMA public TO reader")
            let reader = database.url.replacingOccurrences(of: "postgres@", with: "reader@")
            let refused = try converted(reader)
            #expect(
                refused.status == 69 && refused.error.contains("permission denied for table ratings"),
                "\(refused.error)")
            try database.run("GRANT SELECT ON ratings TO reader", "ALTER TABLE ratings ENABLE ROW LEVEL SECURITY")
            let hidden = try converted(reader)
            #expect(
                hidden.status == 69 && hidden.error.contains("row-level security shows role “reader” no row"),
                "\(hidden.error)")
        }

        /// Training stores no password, and `--resume` goes on without it.
        @Test func keepsNoPassword() throws {
            try makeRatings()
            let source = database.url.replacingOccurrences(of: "postgres@", with: "postgres:hidden-word@")
            let run = folder.path("run")
            let options = ["train", "mf", "--data", source, "--output", run, "--epochs", "2", "--json"]
            let trained = try starling(options)
            #expect(trained.status == 0, "\(trained.error)")
            #expect(try starling(["train", "mf", "--output", run, "--resume", "--json"]).output == trained.output)
            #expect(try starling(["export", run, "--to", source]).status == 0)
            for command in [
                ["evaluate", run, "--data", source, "--json"], ["evaluate", run, "--data", source],
                ["train", "mf", "--data", source, "--split", "folders", "--output", folder.path("x")],
                ["train", "mf", "--data", source, "--import_table", "y", "--output", folder.path("x")],
                ["data", "describe", "--data", source, "--json"],
            ] {
                let result = try starling(command)
                #expect(!(result.output + result.error).contains("hidden-word"), "\(command)")
            }
            let found = try shell("grep -rl hidden-word \(folder.url.path)")
            #expect(
                found.output.isEmpty && !trained.output.contains("hidden-word")
                    && !trained.error.contains("hidden-word"))
        }

        private func run(_ factors: Int = 8, _ seed: Int = 1) throws -> String {
            let run = folder.path("run-\(factors)-\(seed)")
            if Files.kind(run) == nil {
                let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
                let result = try starling([
                    "train", "mf", "--data", ratings, "--output", run, "--factors", "\(factors)", "--epochs", "2",
                    "--seed",
                    "\(seed)",
                ])
                #expect(result.status == 0, "\(result.error)")
            }
            return run
        }

        /// Vectors of items as `export` writes them to CSV: id, and bias and vector as one text.
        private func exported(_ run: String, _ kind: String) throws -> [String: [Float]] {
            let file = folder.path("vectors.csv")
            #expect(try starling(["export", run, "--to", file]).status == 0)
            return Dictionary(
                uniqueKeysWithValues: try Files.readText(file).split(separator: "\n").dropFirst().compactMap { line in
                    let fields = line.split(separator: ",", omittingEmptySubsequences: false)
                    return fields[0] == kind ? (String(fields[1]), fields[2...].map { Float($0)! }) : nil
                })
        }

        private func stored(_ table: String, _ id: String, _ vector: String) throws -> [String: [Float]] {
            Dictionary(
                uniqueKeysWithValues: try database.run("SELECT \(id)::text, \(vector), bias FROM \(table)").map { row in
                    let numbers = try #require(row[1]).dropFirst().dropLast().split(separator: ",").map {
                        try #require(Float($0.trimmingCharacters(in: .whitespaces)), "\($0)")
                    }
                    return (try #require(row[0]), [try #require(Float(row[2] ?? ""))] + numbers)
                })
        }

        @Test func exportsMakeTablesAndReplaceRuns() throws {
            let (first, second) = (try run(), try run(8, 2))
            for run in [first, second, first] {
                let result = try starling(["export", run, "--to", database.url])
                #expect(result.status == 0, "\(result.error)")
                #expect(try stored("movie_embeddings", "movie_id", "embedding") == exported(run, "item"))
                #expect(try stored("user_embeddings", "user_id", "embedding") == exported(run, "user"))
            }
            let rows = try database.run(
                "SELECT DISTINCT run_id, exported_at > now() - interval '1 hour' FROM movie_embeddings")
            #expect(rows.count == 1 && rows[0][1] == "t")
            let digest = try weightsDigest(starling(["describe", first, "--json"]).output)
            #expect(rows[0][0] == String(digest.prefix(16)))
        }

        /// A table that is there keeps its form, its other columns and its grants; rows of others go.
        @Test(arguments: ["real[]", "double precision[]", "jsonb", "json", "text"])
        func exportsKeepTables(_ type: String) throws {
            let run = try run()
            try database.run(
                "CREATE TABLE films (movie_id text UNIQUE, title text, embedding \(type), bias real)",
                "INSERT INTO films VALUES ('1', 'Kept', NULL, 0), ('stale', 'Gone', NULL, 0)",
                "GRANT SELECT ON films TO anon")
            let result = try starling([
                "export", run, "--to", database.url, "--vectors", "items", "--item-table", "public.films",
            ])
            #expect(result.status == 0, "\(result.error)")
            #expect(try database.run("SELECT title FROM films WHERE title IS NOT NULL") == [["Kept"]])
            #expect(try database.run("SELECT has_table_privilege('anon', 'films', 'SELECT')") == [["t"]])
            let list = type == "text" ? "embedding" : "to_json(embedding)::text"
            #expect(try stored("films", "movie_id", list) == exported(run, "item"))
        }

        /// Ids whose texts the column's type changes: nothing is lost in silence.
        @Test func exportsKeepEveryRow() throws {
            let run = try run()
            try database.run(
                "CREATE TABLE movie_embeddings (movie_id numeric(10, 2) UNIQUE, embedding real[], bias real)")
            #expect(try starling(["export", run, "--to", database.url, "--vectors", "items"]).status == 0)
            #expect(try database.run("SELECT count(*) FROM movie_embeddings") == [["60"]])
            try database.run(
                "DROP TABLE movie_embeddings", "CREATE TABLE movie_embeddings (movie_id varchar(1), embedding real[])")
            let refused = try starling(["export", run, "--to", database.url, "--vectors", "items"])
            #expect(refused.status == 65 && refused.error.contains("too long"), "\(refused.error)")
            #expect(try database.run("SELECT count(*) FROM movie_embeddings") == [["0"]])
        }

        /// pgvector cannot be had here: a type and an index method of its names show that the statements are right.
        @Test func usesPgvectorWhereItIs() throws {
            try database.run(
                "CREATE TYPE vector",
                "CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
                "CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
                "CREATE FUNCTION vector_typmod(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin'",
                "CREATE FUNCTION vector_typmod_out(integer) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout'",
                "CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, TYPMOD_IN = vector_typmod, TYPMOD_OUT = vector_typmod_out)",
                "CREATE CAST (real[] AS vector) WITH INOUT AS ASSIGNMENT",
                "CREATE FUNCTION vector_hash(vector) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'hashvarlena'",
                "DROP ACCESS METHOD IF EXISTS hnsw", "CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hashhandler",
                "CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING hnsw AS FUNCTION 1 vector_hash(vector)"
            )
            let result = try starling(["export", try run(), "--to", database.url])
            #expect(result.status == 0, "\(result.error)")
            #expect(
                try database.run(
                    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'movie_embeddings'::regclass AND attname = 'embedding'"
                ) == [["vector(8)"]])
            #expect(
                try !database.run(
                    "SELECT 1 FROM pg_indexes WHERE tablename = 'movie_embeddings' AND indexdef LIKE '%USING hnsw (embedding vector_ip_ops)%'"
                ).isEmpty)
            #expect(
                try database.run("SELECT count(*) FROM movie_embeddings WHERE embedding::text LIKE '{%}'") == [["60"]])
            let wider = try starling(["export", try run(9), "--to", database.url])
            #expect(
                wider.status == 65 && wider.error.contains("is vector(8), the run's vectors have 9"), "\(wider.error)")
        }

        /// A connection that is killed, or a server that restarts, in the middle of an import: a message, nothing left behind, and the
        /// same command again completes.
        @Test(arguments: [true, false]) func importsAreLostCleanly(_ restarts: Bool) throws {
            // Rows come slowly, so that there is a middle.
            try database.run(
                "CREATE FUNCTION slow(i bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002 * current_setting('test.slow', true)::float8); RETURN i; END $$",
                "CREATE VIEW ratings AS SELECT slow(1 + i * 37 % 97) AS user_id, 1 + (i * 11 + i / 97) % 61 AS movie_id, 1.5 AS rating FROM generate_series(0, 4999) i",
                "ALTER DATABASE postgres SET test.slow = 1")
            defer { _ = try? database.run("ALTER DATABASE postgres RESET test.slow") }
            let run = folder.path("lost")
            let options = ["train", "mf", "--data", database.url, "--output", run, "--epochs", "1"]
            let database = database
            let trouble = Thread {
                while (try? database.run("SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY %'"))?.isEmpty ?? true
                {
                    Thread.sleep(forTimeInterval: 0.02)
                }
                Thread.sleep(forTimeInterval: 0.2)
                _ =
                    restarts
                    ? try? database.restart()
                    : ((try? database.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY %'")) as Any?)
                        .map {
                            _ in
                        }
            }
            trouble.start()
            let lost = try starling(options)
            #expect(lost.status == 69, "\(lost.status) \(lost.error)")
            #expect(lost.error.contains("run the same command again"), "\(lost.error)")
            #expect(Files.kind(run) == nil)
            while !trouble.isFinished { Thread.sleep(forTimeInterval: 0.02) }
            try database.run("ALTER DATABASE postgres SET test.slow = 0")
            let again = try starling(options)
            #expect(again.status == 0, "\(again.error)")
        }

        /// The same of an export: tables are as they were.
        @Test(arguments: [true, false]) func exportsAreLostCleanly(_ restarts: Bool) throws {
            let (first, second) = (try run(), try run(8, 2))
            #expect(try starling(["export", first, "--to", database.url]).status == 0)
            let before = try stored("movie_embeddings", "movie_id", "embedding")
            try database.run(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$",
                "CREATE TRIGGER slow BEFORE UPDATE ON movie_embeddings FOR EACH ROW EXECUTE FUNCTION slow()")
            let database = database
            let trouble = Thread {
                let waits = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'INSERT INTO \"movie_embeddings\"%'"
                while (try? database.run(waits))?.isEmpty ?? true { Thread.sleep(forTimeInterval: 0.02) }
                if restarts {
                    try? database.restart()
                } else {
                    _ = try? database.run(
                        waits.replacingOccurrences(of: "SELECT pid", with: "SELECT pg_terminate_backend(pid)"))
                }
            }
            trouble.start()
            let lost = try starling(["export", second, "--to", database.url])
            #expect(lost.status == 69, "\(lost.status) \(lost.error)")
            while !trouble.isFinished { Thread.sleep(forTimeInterval: 0.02) }
            #expect(try stored("movie_embeddings", "movie_id", "embedding") == before)
            try database.run("DROP TRIGGER slow ON movie_embeddings")
            #expect(try starling(["export", second, "--to", database.url]).status == 0)
            #expect(try stored("movie_embeddings", "movie_id", "embedding") == exported(second, "item"))
        }
    }
}
