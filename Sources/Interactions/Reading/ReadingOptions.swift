import Basics

/// How interactions are read. The defaults recognise the form of the file, keep every row and stop at the first
/// row that cannot be read.
public struct ReadingOptions: Sendable {
    /// Which columns hold what (`--columns`); nil recognises them from the header or the number of columns.
    public var columns: ColumnMapping?
    /// What stands between fields (`--separator`): `,`, `\t`, `::`, any other text, or one of the words `tab`,
    /// `comma`, `space`, `pipe`, `semicolon`; nil recognises it.
    public var separator: String?
    /// What becomes of a user's several interactions with one item (`--duplicates`); nil keeps them all.
    public var duplicates: DuplicatePolicy?
    /// Users with fewer interactions are left out (`--min-user`), after duplicates were merged, repeated together
    /// with ``minimumPerItem`` until nothing changes (the k-core). Default 0: all stay.
    public var minimumPerUser = 0
    /// Items with fewer interactions are left out (`--min-item`). Default 0: all stay.
    public var minimumPerItem = 0
    /// Leaves out rows that cannot be read and counts them (`--skip-bad-rows`); false stops at the first.
    public var skipsBadRows = false
    /// The share of a source's files that is read (`--fraction`), spread evenly over them in their order and at least one.
    /// Default 1: all.
    public var fraction = 1.0

    public init() {}

    /// The files of which to read.
    /// - Throws: `usage` for a share of one file.
    func taken(of files: [String]) throws -> [String] {
        guard fraction < 1 else { return files }
        guard files.count > 1 else {
            throw StarlingError(
                .usage, "--fraction takes some of several files, and this is one", at: .init(file: files.first ?? ""),
                remedy: "name a folder or a glob of files, or split the data with starling data split")
        }
        func before(_ index: Int) -> Int { Int((Double(index) * fraction).rounded(.up)) }
        return files.indices.filter { before($0 + 1) > before($0) }.map { files[$0] }
    }
}

/// What becomes of several interactions of one user with one item.
public enum DuplicatePolicy: String, Sendable, CaseIterable {
    /// The latest stays: by time where there are times, of equal times the one further down the file.
    case last
    /// The earliest stays: by time where there are times, of equal times the one further up the file.
    case first
    /// One stays, at the place of the first, with the mean of the values and the latest time.
    case mean
    /// One stays, at the place of the first, with the sum of the values (their number where there are no values) and
    /// the latest time.
    case sum
    /// A pair that stands twice is an error.
    case error
}

/// Which columns of a delimited file hold the user, the item, the value and the time.
public struct ColumnMapping: Sendable, Equatable {
    /// A column by its name in the header, or by its number, counted from 1.
    public enum Column: Sendable, Equatable {
        case name(String)
        case number(Int)
    }

    public var user: Column
    public var item: Column
    /// The rating or count; nil: there is none, or it is not wanted.
    public var value: Column?
    /// The time; nil: there is none, or it is not wanted.
    public var time: Column?

    public init(user: Column, item: Column, value: Column? = nil, time: Column? = nil) {
        self.user = user
        self.item = item
        self.value = value
        self.time = time
    }

    /// Reads `user=…,item=…[,value=…][,time=…]`; what is all digits is a number.
    ///
    /// - Throws: `usage` for another key, a key given twice, no user or no item.
    public init(parsing text: String) throws {
        func wrong(_ what: String) -> StarlingError {
            StarlingError(
                .usage, "--columns \(text): \(what)",
                remedy: "write user=…,item=…,value=…,time=… with names from the header or numbers from 1")
        }
        var columns: [String: Column] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[1].isEmpty else { throw wrong("“\(part)” is not KEY=COLUMN") }
            let key = sides[0].lowercased()
            guard ["user", "item", "value", "time"].contains(key) else { throw wrong("“\(sides[0])” is not a key") }
            guard columns[key] == nil else { throw wrong("“\(key)” stands twice") }
            let number = sides[1].allSatisfy { $0.isASCII && $0.isNumber } ? Int(sides[1]) : nil
            guard number != 0 else { throw wrong("columns are counted from 1") }
            columns[key] = number.map { .number($0) } ?? .name(String(sides[1]))
        }
        guard let user = columns["user"], let item = columns["item"] else { throw wrong("user and item are needed") }
        self.init(user: user, item: item, value: columns["value"], time: columns["time"])
    }
}
