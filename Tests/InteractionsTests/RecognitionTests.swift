import Basics
import Interactions
import Kernels
import Testing

@Suite struct RecognitionTests {
    private let full = [Row("196", "242", 3, 881_250_949), Row("22", "377", 1.5, 878_887_116)]

    @Test func theKnownForms() throws {
        #expect(try load("196\t242\t3\t881250949\n22\t377\t1.5\t878887116\n").log.rows == full)
        #expect(try load("196::242::3::881250949\n22::377::1.5::878887116\n").log.rows == full)
        #expect(
            try load("userId,movieId,rating,timestamp\n196,242,3.0,881250949\n22,377,1.5,878887116").log.rows == full)
        let inter = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n"
        let typed = try load(inter + "22\t377\t1.5\t878887116.0\n")
        #expect(typed.log.rows == full && typed.report.format.contains("RecBole"))
        #expect(try load("196;242;3;881250949\n22;377;1.5;878887116\n").log.rows == full)
        #expect(try load("196|242|3|881250949\n22|377|1.5|878887116\n").log.rows == full)
        #expect(try load("196 242 3 881250949\n22  377 1.5 878887116 \n").log.rows == full)
        #expect(try load("alice,b1,5\nbob,b2,4\n").log.rows == [Row("alice", "b1", 5), Row("bob", "b2", 4)])
    }

    @Test func headersMayOrderAndAddColumns() throws {
        let text =
            "Rating,note,TIMESTAMP,Movie_ID,user-id\n3,\"good, really\",881250949,242,196\n1.5,,878887116,377,22\n"
        #expect(try load(text).log.rows == full)
        #expect(
            try load("user\tmovie\trating\ttime_rank_in_user\n1\t1193\t5\t10\n").log.rows == [Row("1", "1193", 5, 10)])
        #expect(try load("user_id,item_id\n1,2\n1,3\n").log.rows == [Row("1", "2"), Row("1", "3")])
    }

    /// Several items of a row, rated together, are rated so each.
    @Test func setsOfItems() throws {
        let header = "userId,movieId_1,movieId_2,movieId_3,rating,timestamp\n"
        let loaded = try load(header + "a,1,20,3,4.5,2016-03-12 22:10:24\nb,3,1,\"7\",2,1457820625\n")
        #expect(
            loaded.log.rows == [
                Row("a", "1", 4.5, 1_457_820_624), Row("a", "20", 4.5, 1_457_820_624),
                Row("a", "3", 4.5, 1_457_820_624),
                Row("b", "3", 2, 1_457_820_625), Row("b", "1", 2, 1_457_820_625), Row("b", "7", 2, 1_457_820_625),
            ])
        #expect(loaded.report.format.contains("sets of 3 items") && loaded.report.rowsKept == 6)
        let error = failure { _ = try load(header + "a,1,2,3,4,100\na,1,,3,4,100\n") }
        #expect(error?.place.line == 3 && error?.place.column == 5 && error?.what.contains("item id is empty") == true)
        // One column among several is a choice.
        let mapping = try ColumnMapping(parsing: "user=userId,item=movieId_2,value=rating")
        let one = try load(header + "a,1,20,3,4.5,1\n") { $0.columns = mapping }
        #expect(one.log.rows == [Row("a", "20", 4.5)])
    }

    @Test func timesMayBeDates() throws {
        let loaded = try load("user,item,time\n1,2,1970-01-02\n1,3,2024-02-29T12:00:01.5Z\n1,4,-5\n")
        #expect(loaded.log.rows.map(\.time) == [86400, 1_709_208_001, -5])
        for wrong in ["2024-02-30", "2024-13-01", "2024-02-01 24:00:00", "2024-02-01 10:00:00+01:00", "2024-2-1"] {
            #expect(failure { _ = try load("user,item,time\n1,2,\(wrong)\n") }?.what.contains("not a number") == true)
        }
    }

    @Test func sequencesTakeTheLineAsTime() throws {
        let loaded = try load("1 10\n1 9\n\n2 10\n")
        #expect(loaded.log.rows == [Row("1", "10", nil, 0), Row("1", "9", nil, 1), Row("2", "10", nil, 3)])
        #expect(loaded.log.values == nil)
    }

    @Test func adjacencyLists() throws {
        let loaded = try load("0 5 7 9 11\n1 \n2 7\n3 5 5 \n")
        let pairs = [("0", "5"), ("0", "7"), ("0", "9"), ("0", "11"), ("2", "7"), ("3", "5"), ("3", "5")]
        #expect(loaded.log.rows == pairs.map { Row($0.0, $0.1) })
        #expect(loaded.log.users.rawIDs == ["0", "2", "3"])
        #expect(loaded.report.format.hasPrefix("adjacency lists") && loaded.report.rowsRead == 7)
    }

    /// A table with a short row is not a set of lists.
    @Test func aShortRowIsNotAList() {
        let error = failure { _ = try load("1 10 5\n1 11\n1 12 4\n") }
        #expect(error?.place.line == 2 && error?.what.contains("2 fields where 3") == true)
    }

    @Test func theMarkAndLineEndsOfOtherSystems() throws {
        #expect(
            try load("\u{FEFF}userId,movieId,rating,timestamp\r\n196,242,3,881250949\r\n22,377,1.5,878887116\r\n").log
                .rows == full)
        #expect(failure { _ = try load([0xFF, 0xFE, 0x31, 0]) }?.what.contains("UTF-16") == true)
        #expect(failure { _ = try load([0xFE, 0xFF, 0, 0x31]) }?.what.contains("UTF-16") == true)
        #expect(failure { _ = try load([0x1F, 0x8B, 8, 0]) }?.what.contains("gzip") == true)
    }

    @Test func columnsByNameAndNumber() throws {
        let text = "who,what,when,stars\n196,242,881250949,3\n22,377,878887116,1.5\n"
        let unknown = failure { _ = try load(text) }
        #expect(unknown?.code == .badData && unknown?.remedy?.contains("--columns") == true)
        for columns in [
            "user=who,item=what,value=stars,time=when", "user=1,item=2,value=4,time=3",
            "time=WHEN,value=4,user=Who,item=2",
        ] {
            #expect(try load(text) { $0.columns = try! ColumnMapping(parsing: columns) }.log.rows == full)
        }
        let pairs = try load(text) { $0.columns = try! ColumnMapping(parsing: "user=who,item=what") }
        #expect(pairs.log.rows == [Row("196", "242"), Row("22", "377")])
        let absent = failure { _ = try load(text) { $0.columns = try! ColumnMapping(parsing: "user=who,item=which") } }
        #expect(absent?.code == .usage && absent?.what.contains("“which”") == true)
        let beyond = failure { _ = try load(text) { $0.columns = try! ColumnMapping(parsing: "user=1,item=5") } }
        #expect(beyond?.code == .usage)
        let twice = failure { _ = try load(text) { $0.columns = try! ColumnMapping(parsing: "user=1,item=1") } }
        #expect(twice?.code == .usage)
    }

    @Test(arguments: [
        "", "user=1", "user=1,item", "user=1,item=", "user=1,item=2,user=3", "user=1,item=2,colour=3", "user=0,item=1",
    ])
    func mappingsThatCannotBe(text: String) {
        #expect(failure { _ = try ColumnMapping(parsing: text) }?.code == .usage)
    }

    @Test func separatorsByName() throws {
        for (name, mark) in [
            ("tab", "\t"), ("comma", ","), ("space", " "), ("PIPE", "|"), ("semicolon", ";"), ("::", "::"),
            ("<>", "<>"), ("\\t", "\t"),
        ] {
            let text = ["196", "242", "3", "881250949"].joined(separator: mark) + "\n"
            #expect(try load(text) { $0.separator = name }.log.rows == [full[0]], "\(name)")
        }
        for name in ["", "\n", "\""] {
            #expect(failure { _ = try load("1,2\n") { $0.separator = name } }?.code == .usage)
        }
    }

    /// What would fit more than one reading is refused and the way out named.
    @Test(arguments: [
        ("1,2;3\n4,5;6\n", "--separator"),
        ("1,2,881250949\n1,3,881250950\n", "--columns"),
        ("1,2,3,4,5\n1,3,4,5,6\n", "--columns"),
        ("userId,user,movieId\n1,2,3\n", "--columns"),
        ("one\ntwo\n", "--separator"),
    ])
    func ambiguousFiles(text: String, remedy: String) {
        let error = failure { _ = try load(text) }
        #expect(error?.code == .badData && error?.remedy?.contains(remedy) == true)
    }

    @Test func filesWithoutRows() {
        #expect(failure { _ = try load("") }?.what.contains("empty") == true)
        #expect(failure { _ = try load("\n\r\n\n") }?.what.contains("line ends") == true)
        for header in [
            "userId,movieId,rating,timestamp", "userId,movieId,rating,timestamp\n", "userId,movieId\r\n\r\n",
        ] {
            let error = failure { _ = try load(header) }
            #expect(error?.code == .badData, "\(header)")
        }
        #expect(failure { _ = try load("userId,movieId,rating\n") }?.what.contains("header and no rows") == true)
    }
}
