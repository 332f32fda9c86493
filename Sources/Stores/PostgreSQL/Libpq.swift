import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// PostgreSQL's client library, opened when a database is first asked for: nothing of it is linked.
///
/// Functions and constants as `libpq-fe.h` has them; handles are what it gives.
struct Libpq: Sendable {
    typealias Handle = OpaquePointer
    typealias Text = UnsafePointer<CChar>

    let connect: @convention(c) (Text) -> Handle?
    let finish: @convention(c) (Handle?) -> Void
    let status: @convention(c) (Handle?) -> Int32
    let errorMessage: @convention(c) (Handle?) -> Text?
    let execute:
        @convention(c) (
            Handle?, Text, Int32, UnsafePointer<UInt32>?, UnsafePointer<Text?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?, Int32
        ) -> Handle?
    let clear: @convention(c) (Handle?) -> Void
    let resultStatus: @convention(c) (Handle?) -> Int32
    let resultErrorField: @convention(c) (Handle?, Int32) -> Text?
    let resultErrorMessage: @convention(c) (Handle?) -> Text?
    let rowCount: @convention(c) (Handle?) -> Int32
    let columnCount: @convention(c) (Handle?) -> Int32
    let value: @convention(c) (Handle?, Int32, Int32) -> Text?
    let isNull: @convention(c) (Handle?, Int32, Int32) -> Int32
    let getCopyData: @convention(c) (Handle?, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, Int32) -> Int32
    let putCopyData: @convention(c) (Handle?, Text, Int32) -> Int32
    let putCopyEnd: @convention(c) (Handle?, Text?) -> Int32
    let getResult: @convention(c) (Handle?) -> Handle?
    let freeMemory: @convention(c) (UnsafeMutableRawPointer?) -> Void
    let setNoticeProcessor:
        @convention(c) (
            Handle?, (@convention(c) (UnsafeMutableRawPointer?, Text?) -> Void)?, UnsafeMutableRawPointer?
        ) -> UnsafeMutableRawPointer?

    static let connectionOK: Int32 = 0
    static let commandOK: Int32 = 1, tuplesOK: Int32 = 2, copyOut: Int32 = 3, copyIn: Int32 = 4
    /// Field of a result's error that holds its SQLSTATE.
    static let sqlState = Int32(UInt8(ascii: "C"))

    /// The library, opened at the first call.
    ///
    /// - Throws: `unavailable` that says how to install it.
    static func opened() throws -> Libpq { try shared.get() }

    private static let shared = Result { try Libpq() }

    private init() throws {
        #if os(macOS)
        let names = [
            "libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib", "/usr/local/opt/libpq/lib/libpq.5.dylib",
        ]
        #else
        let names = ["libpq.so.5"]
        #endif
        guard let library = names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else {
            throw StarlingError(
                .unavailable, "PostgreSQL's client library \(names[0]) is not there",
                remedy: "install it: apt-get install libpq5, or brew install libpq")
        }
        func symbol<Function>(_ name: String, _: Function.Type = Function.self) throws -> Function {
            guard let address = dlsym(library, name) else {
                throw StarlingError(
                    .unavailable, "PostgreSQL's client library has no \(name)", remedy: "install libpq 12 or later")
            }
            return unsafeBitCast(address, to: Function.self)
        }
        connect = try symbol("PQconnectdb")
        finish = try symbol("PQfinish")
        status = try symbol("PQstatus")
        errorMessage = try symbol("PQerrorMessage")
        execute = try symbol("PQexecParams")
        clear = try symbol("PQclear")
        resultStatus = try symbol("PQresultStatus")
        resultErrorField = try symbol("PQresultErrorField")
        resultErrorMessage = try symbol("PQresultErrorMessage")
        rowCount = try symbol("PQntuples")
        columnCount = try symbol("PQnfields")
        value = try symbol("PQgetvalue")
        isNull = try symbol("PQgetisnull")
        getCopyData = try symbol("PQgetCopyData")
        putCopyData = try symbol("PQputCopyData")
        putCopyEnd = try symbol("PQputCopyEnd")
        getResult = try symbol("PQgetResult")
        freeMemory = try symbol("PQfreemem")
        setNoticeProcessor = try symbol("PQsetNoticeProcessor")
    }
}
