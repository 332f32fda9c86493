import Basics
import Interactions
import Kernels
import Testing

@Suite struct SourceTests {
    private func read(_ source: String, _ change: (inout ReadingOptions) -> Void = { _ in }) throws
        -> LoadedInteractions
    {
        var options = ReadingOptions()
        change(&options)
        return try InteractionReader.read(source, options: options, workers: Workers(threads: 2))
    }

    @Test func foldersOfDataSets() throws {
        for (name, text) in [
            ("u.data", "1\t2\t3\t4\n"), ("ratings.dat", "1::2::3::4\n"),
            ("ratings.csv", "userId,movieId,rating,timestamp\n1,2,3,4\n"),
            ("x.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t3\t4\n"),
        ] {
            let folder = TemporaryFolder()
            _ = try folder.write("README", "nothing here")
            _ = try folder.write(name, text)
            #expect(try read(folder.path).log.rows == [Row("1", "2", 3, 4)])
        }
        let folder = TemporaryFolder()
        let none = failure { _ = try read(folder.path) }
        #expect(none?.code == .badData && none?.what.contains("u.data, ratings.dat, ratings.csv or *.inter") == true)
        _ = try folder.write("a.train.inter", "")
        _ = try folder.write("a.test.inter", "")
        #expect(failure { _ = try read(folder.path) }?.what.contains("a.test.inter, a.train.inter") == true)
    }

    @Test func globsAreReadInSortedOrder() throws {
        let folder = TemporaryFolder()
        _ = try folder.write("part-2.csv", "user,item,rating\n3,1,1\n")
        _ = try folder.write("part-1.csv", "user,item,rating\n2,1,1\n1,5,2")
        let loaded = try read(folder.path + "/part-*.csv")
        #expect(loaded.log.rows == [Row("2", "1", 1), Row("1", "5", 2), Row("3", "1", 1)])
        #expect(loaded.report.files.map { Files.name($0) } == ["part-1.csv", "part-2.csv"])
        _ = try folder.write("part-3.csv", "item,user,rating\n3,1,1\n")
        #expect(failure { _ = try read(folder.path + "/part-*.csv") }?.place.file?.hasSuffix("part-3.csv") == true)
        _ = try folder.write("part-3.csv", "user,item,rating\n3,1,1\n3,1,x\n")
        let bad = failure { _ = try read(folder.path + "/part-*.csv") }
        #expect(bad?.place.line == 3 && bad?.place.file?.hasSuffix("part-3.csv") == true)
        #expect(failure { _ = try read(folder.path + "/none-*") }?.code == .badData)
    }

    /// Lines count on from file to file where they serve as times.
    @Test func sequencesInSeveralFiles() throws {
        let folder = TemporaryFolder()
        _ = try folder.write("a", "1 1\n1 2\n")
        _ = try folder.write("b", "1 3\n")
        #expect(try read(folder.path + "/[ab]").log.times == [0, 1, 2])
    }

    @Test func whatIsNotThere() throws {
        let folder = TemporaryFolder()
        #expect(failure { _ = try read(folder.path + "/absent.csv") }?.code == .badData)
        #expect(failure { _ = try read("/proc/self/mem/x") }?.code == .badData)
    }

    @Test(arguments: [
        "https://x.org/a.csv", "s3://b/c", "sqlite:a.db?table=r", "postgres://h/d", "supabase:ratings",
    ])
    func whatIsNotYetRead(source: String) {
        let error = failure { _ = try read(source) }
        #expect(error?.code == .usage && error?.what.contains("not yet available") == true)
    }

    @Test func canBeStopped() throws {
        let folder = TemporaryFolder()
        let path = try folder.write("a", "1 1\n1 2\n")
        let cancellation = Cancellation()
        cancellation.cancel()
        let error = failure {
            _ = try InteractionReader.read(
                path, options: ReadingOptions(), workers: Workers(threads: 2), cancellation: cancellation)
        }
        #expect(error?.code == .interrupted)
    }

    @Test func progressComesToItsEnd() throws {
        let folder = TemporaryFolder()
        let path = try folder.write("a", String(repeating: "1,2,3\n", count: 1000))
        var calls: [(Int, Int)] = []
        _ = try InteractionReader.read(
            path, options: ReadingOptions(), workers: Workers(threads: 2), progress: { calls.append(($0, $1)) },
            chunkSize: 100)
        #expect(calls.last! == (6000, 6000))
        #expect(zip(calls, calls.dropFirst()).allSatisfy { $0.0 <= $1.0 })
    }

    @Test func reportsAsJSON() throws {
        let report = try load("1,2,3\n1,2,x\n") { $0.skipsBadRows = true }.report
        let json = try JSON.text(report)
        for part in ["\"rows_read\":2", "\"rows_kept\":1", "\"value is not a number\":1", "\"line\":2"] {
            #expect(json.contains(part), "\(json)")
        }
    }

    @Test func fingerprintsTellContentApart() throws {
        let text = "1,2,3\n4,5,6\n"
        let workers = Workers(threads: 2)
        let one = try load(text, threads: 1).log.fingerprint(workers: Workers(threads: 1))
        #expect(one.count == 64)
        #expect(try load(text, threads: 3, chunkSize: 1).log.fingerprint(workers: workers) == one)
        #expect(try load("1;2;3\r\n4;5;6.0").log.fingerprint(workers: workers) == one)
        for other in ["1,2,3\n4,5,7\n", "1,2,3\n4,6,6\n", "4,5,6\n1,2,3\n", "1,2,3\n", "1,2\n4,5\n"] {
            #expect(try load(other).log.fingerprint(workers: workers) != one)
        }
    }
}
