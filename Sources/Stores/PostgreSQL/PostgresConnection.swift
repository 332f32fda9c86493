import Basics

/// A connection to a PostgreSQL server, used by one thread.
package final class PostgresConnection {
    private let library: Libpq
    private let handle: Libpq.Handle
    private let address: PostgresAddress

    /// Rows of an answer, as texts.
    package typealias Rows = [[String?]]

    /// - Throws: `unavailable` without libpq, without the server, or if it refuses access.
    package init(_ address: PostgresAddress) throws {
        library = try Libpq.opened()
        self.address = address
        guard let handle = library.connect(address.connection) else {
            throw StarlingError(.outOfMemory, "no memory for a connection", at: .init(file: address.shown))
        }
        self.handle = handle
        guard library.status(handle) == Libpq.connectionOK else {
            let message = Self.line(library.errorMessage(handle))
            throw StarlingError(
                .unavailable, "no connection: \(address.harmless(message))", at: .init(file: address.shown),
                remedy: "check the address; a password may stand in PGPASSWORD or ~/.pgpass")
        }
        _ = library.setNoticeProcessor(handle, { _, _ in }, nil)
        // Names and texts are UTF-8 on both sides, and numbers keep all their digits.
        _ = try run("SET client_encoding TO 'UTF8'")
        _ = try run("SET extra_float_digits TO 3")
    }

    deinit { library.finish(handle) }

    /// Runs a statement with texts for `$1`, `$2` …; the rows of its answer.
    ///
    /// - Throws: what the server says, by its SQLSTATE.
    @discardableResult package func run(_ sql: String, _ parameters: [String] = []) throws -> Rows {
        let result = execute(sql, parameters)
        defer { library.clear(result) }
        try check(result, [Libpq.commandOK, Libpq.tuplesOK])
        return (0..<library.rowCount(result)).map { row in
            (0..<library.columnCount(result)).map { column in
                library.isNull(result, row, column) == 1
                    ? nil : library.value(result, row, column).map { String(cString: $0) }
            }
        }
    }

    /// Runs `body` in a transaction.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try run("BEGIN")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            _ = try? run("ROLLBACK")
            throw error
        }
    }

    /// Runs `COPY … TO STDOUT` and lends what comes, piece by piece.
    func copyOut(_ sql: String, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        let started = execute(sql, [])
        defer { library.clear(started) }
        try check(started, [Libpq.copyOut])
        while true {
            var piece: UnsafeMutablePointer<CChar>?
            let count = library.getCopyData(handle, &piece, 0)
            guard count > 0, let piece else {
                guard count == -1 else { throw lost() }
                break
            }
            defer { library.freeMemory(piece) }
            try take(UnsafeRawBufferPointer(start: piece, count: Int(count)))
        }
        try drain()
    }

    /// Runs `COPY … FROM STDIN` with what `give` puts. A `give` that throws ends the copy and keeps nothing of it.
    func copyIn(_ sql: String, _ give: (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
        let started = execute(sql, [])
        defer { library.clear(started) }
        try check(started, [Libpq.copyIn])
        do {
            try give { bytes in
                guard
                    library.putCopyData(handle, bytes.bindMemory(to: CChar.self).baseAddress!, Int32(bytes.count)) == 1
                else { throw lost() }
            }
        } catch {
            _ = library.putCopyEnd(handle, "stopped")
            try? drain()
            throw error
        }
        guard library.putCopyEnd(handle, nil) == 1 else { throw lost() }
        try drain()
    }

    private func execute(_ sql: String, _ parameters: [String]) -> Libpq.Handle? {
        let texts: [UnsafeMutablePointer<CChar>] = parameters.map { text in
            let bytes = Array(text.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            return copy
        }
        defer { for text in texts { text.deallocate() } }
        let pointers = texts.map { Optional(Libpq.Text($0)) }
        return library.execute(handle, sql, Int32(parameters.count), nil, pointers, nil, nil, 0)
    }

    /// Takes the answers that are left, and throws what went wrong.
    private func drain() throws {
        var failure: (any Error)?
        while let result = library.getResult(handle) {
            defer { library.clear(result) }
            do {
                try check(result, [Libpq.commandOK, Libpq.tuplesOK])
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        guard library.status(handle) == Libpq.connectionOK else { throw lost() }
    }

    private func check(_ result: Libpq.Handle?, _ expected: [Int32]) throws {
        guard let result else { throw lost() }
        guard !expected.contains(library.resultStatus(result)) else { return }
        let state = library.resultErrorField(result, Libpq.sqlState).map { String(cString: $0) } ?? ""
        guard library.status(handle) == Libpq.connectionOK, !state.isEmpty else { throw lost() }
        let message = address.harmless(Self.line(library.resultErrorMessage(result)))
        throw PostgresConnection.error(state, message, at: address.shown)
    }

    private func lost() -> StarlingError {
        let message = address.harmless(Self.line(library.errorMessage(handle)))
        return StarlingError(
            .unavailable, "the connection was lost: \(message.isEmpty ? "no reason given" : message)",
            at: .init(file: address.shown), remedy: "nothing half-done was kept; run the same command again")
    }

    /// The first line, without `ERROR:` before it.
    private static func line(_ message: Libpq.Text?) -> String {
        let text = message.map { String(cString: $0) } ?? ""
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        for prefix in ["ERROR:  ", "FATAL:  "] where line.hasPrefix(prefix) {
            return String(line.dropFirst(prefix.count))
        }
        return line
    }

    /// What a server's SQLSTATE means here.
    static func error(_ state: String, _ message: String, at shown: String) -> StarlingError {
        let (code, remedy): (StarlingError.Code, String?) =
            switch state {
            case "42P01", "3F000": (.badData, "check the name of the table, or name its schema as in public.ratings")
            case "42703": (.badData, "check the names of the columns")
            case "42501": (.unavailable, "grant the role what it lacks, or connect as another")
            case _ where state.hasPrefix("28"): (.unavailable, "check user and password")
            case _ where ["08", "57", "53", "40"].contains(state.prefix(2)):
                (.unavailable, "run the same command again")
            case _ where state.hasPrefix("22") || state.hasPrefix("23"): (.badData, nil)
            default: (.failed, nil)
            }
        return StarlingError(code, "\(message) (SQLSTATE \(state))", at: .init(file: shown), remedy: remedy)
    }
}
