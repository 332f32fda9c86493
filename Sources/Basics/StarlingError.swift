/// The one error of the package: what went wrong, where, and the way out.
///
/// Precondition failures are programmer's mistakes; everything that input, files, devices or the
/// network can cause is thrown as a `StarlingError`. The command prints ``description`` and exits with
/// ``Code/exitStatus``.
public struct StarlingError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. One table maps kinds to exit statuses.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String
        /// The status the command exits with.
        public let exitStatus: Int32

        /// Something failed at run time: disk full, memory, a run that cannot be read (status 1).
        public static let failed = Code(description: "failed", exitStatus: 1)
        /// Memory ran out, the machine's or a device's (status 1).
        public static let outOfMemory = Code(description: "out of memory", exitStatus: 1)
        /// The command line or a configuration asks for something that cannot be (status 64).
        public static let usage = Code(description: "usage", exitStatus: 64)
        /// Input data that cannot be accepted (status 65).
        public static let badData = Code(description: "bad data", exitStatus: 65)
        /// A device, library or server that was asked for is not there (status 69).
        public static let unavailable = Code(description: "unavailable", exitStatus: 69)
        /// Stopped on request; a checkpoint was written first (status 130).
        public static let interrupted = Code(description: "interrupted", exitStatus: 130)
    }

    /// Where the failure lies. All parts are optional; lines and columns count from 1.
    public struct Place: Hashable, Sendable {
        public var file: String?
        public var line: Int?
        public var column: Int?
        public var shard: String?
        public var sample: Int?

        public init(
            file: String? = nil, line: Int? = nil, column: Int? = nil, shard: String? = nil, sample: Int? = nil
        ) {
            self.file = file
            self.line = line
            self.column = column
            self.shard = shard
            self.sample = sample
        }
    }

    public var code: Code
    /// What failed, as one sentence without a full stop.
    public var what: String
    public var place: Place
    /// The way out: what the reader can do about it.
    public var remedy: String?
    public var cause: (any Error)?
    /// Whether another rank of the same training tells of it.
    public var isTold = false

    public init(
        _ code: Code, _ what: String, at place: Place = Place(), remedy: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.what = what
        self.place = place
        self.remedy = remedy
        self.cause = cause
    }

    /// `FILE:LINE:COLUMN: what; way out (cause)`.
    public var description: String {
        var text = ""
        if let file = place.file { text += file }
        if let line = place.line { text += ":\(line)" }
        if let column = place.column { text += ":\(column)" }
        if let shard = place.shard { text += (text.isEmpty ? "" : " ") + "shard \(shard)" }
        if let sample = place.sample { text += (text.isEmpty ? "" : " ") + "sample \(sample)" }
        text += (text.isEmpty ? "" : ": ") + what
        if let cause { text += " (\(cause))" }
        if let remedy { text += "; " + remedy }
        return text
    }
}
