/// Processes, the *ranks*, that work on one training. All make the same calls in the same order.
///
/// Declared here, so that rooms can be written for any number of ranks without knowing how they reach each other; the room
/// `Torch` has the one that goes over c10d.
public protocol Communicator: AnyObject {
    /// From 0.
    var rank: Int { get }
    /// Ranks, at least 1.
    var size: Int { get }
    /// Bytes that this rank has sent so far.
    var sentBytes: Int { get }

    /// Begins to send to another rank; the bytes must stay as they are until the transfer is over. What one rank sends another
    /// arrives in order.
    ///
    /// - Throws: `unavailable` naming the rank, if it is lost.
    func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) throws -> any Transfer

    /// Begins to receive exactly so many bytes from another rank; they are there when the transfer is over.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws -> any Transfer
}

/// Bytes on their way.
public protocol Transfer: AnyObject {
    /// Returns when the transfer is over.
    ///
    /// - Throws: `unavailable` naming the other rank, if it is lost or says nothing for too long.
    func wait() throws
}

extension Communicator {
    /// This rank's share of `count` things in their order, as even as their number allows.
    public func part(of count: Int) -> Range<Int> { size.part(rank, of: count) }

    /// The shares of all ranks.
    public func parts(of count: Int) -> [Range<Int>] { (0..<size).map { size.part($0, of: count) } }

    /// Fills a buffer of which each rank has one part: rank r's bytes are at `parts[r]` on every rank. Parts may be empty.
    ///
    /// - Complexity: sends this rank's part size − 1 times.
    public func allGather(in buffer: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) throws {
        try beginAllGather(in: buffer, parts: parts).wait()
    }

    /// The same, which goes on while other work is done; no part may be touched until it is over.
    public func beginAllGather(in buffer: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) throws -> any Transfer {
        precondition(parts.count == size, "a part for each rank")
        var transfers: [any Transfer] = []
        for distance in 1..<max(1, size) {
            let (to, from) = ((rank + distance) % size, (rank + size - distance) % size)
            if !parts[from].isEmpty {
                transfers.append(try receive(UnsafeMutableRawBufferPointer(rebasing: buffer[parts[from]]), from: from))
            }
            if !parts[rank].isEmpty {
                transfers.append(try send(UnsafeRawBufferPointer(rebasing: buffer[parts[rank]]), to: to))
            }
        }
        return Transfers(transfers)
    }

    /// What every rank has to say, in the order of ranks; of any length.
    public func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        guard size > 1 else { return [bytes] }
        let parts = try allGather(bytes.count).places
        var all = [UInt8](repeating: 0, count: parts.last!.upperBound)
        all.replaceSubrange(parts[rank], with: bytes)
        try all.withUnsafeMutableBytes { try allGather(in: $0, parts: parts) }
        return parts.map { Array(all[$0]) }
    }

    /// Values of every rank, in the order of ranks.
    public func gathered<Value: BitwiseCopyable>(_ own: UnsafeBufferPointer<Value>) throws -> [[Value]] {
        try allGather(Array(UnsafeRawBufferPointer(own))).map { bytes in
            bytes.withUnsafeBytes { bytes in
                (0..<bytes.count / MemoryLayout<Value>.stride).map {
                    bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.stride, as: Value.self)
                }
            }
        }
    }

    /// One number of each rank, in the order of ranks.
    public func allGather<Number: BitwiseCopyable>(_ number: Number) throws -> [Number] {
        try beginAllGather(number).all()
    }

    /// The same, which goes on while other work is done.
    public func beginAllGather<Number: BitwiseCopyable>(_ number: Number) throws -> Gathering<Number> {
        let gathering = Gathering(number, ranks: size)
        let width = MemoryLayout<Number>.stride
        gathering.transfer = try beginAllGather(
            in: UnsafeMutableRawBufferPointer(gathering.memory), parts: parts(of: size).scaled(by: width))
        return gathering
    }

    /// Overwrites every rank's bytes, which are of one number, by those of rank `root`.
    public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int = 0) throws {
        try allGather(in: buffer, parts: (0..<size).map { $0 == root ? 0..<buffer.count : 0..<0 })
    }

    /// What rank `root` has to say; others' bytes do not count.
    public func broadcast(_ bytes: [UInt8], from root: Int = 0) throws -> [UInt8] {
        try allGather(rank == root ? bytes : [])[root]
    }

    /// Returns when all ranks have come here.
    public func barrier() throws { _ = try allGather(UInt8(0)) }

    /// Whether any rank says so. What one rank alone is told, such as a signal, becomes what all act on.
    public func any(_ flag: Bool) throws -> Bool { try allGather(flag ? UInt8(1) : 0).contains(1) }

    /// Does what may fail on one rank alone, and fails on all where it fails on any: with the error of the lowest, of which
    /// rank 0 is to tell.
    public func together<Value>(_ body: () throws -> Value) throws -> Value {
        let result = Result { try body() }
        var own: [UInt8] = []
        if case .failure(let error) = result { own = try RankFailure(error).encoded() }
        let failures = try allGather(own)
        guard let first = failures.firstIndex(where: { !$0.isEmpty }) else { return try result.get() }
        if case .failure(let error) = result, first == 0, rank == 0 { throw error }
        var error = try RankFailure.decode(failures[first]).error(of: first)
        error.isTold = rank > 0
        throw error
    }
}

extension Int {
    /// Part `index` of `count` things that are cut into so many parts, as even as they can be.
    public func part(_ index: Int, of count: Int) -> Range<Int> {
        count * index / self..<count * (index + 1) / self
    }
}

extension [Int] {
    /// Where things of these sizes lie, one behind the other.
    public var places: [Range<Int>] {
        var end = 0
        return map { count in
            defer { end += count }
            return end..<end + count
        }
    }
}

extension [Range<Int>] {
    /// The same ranges of things that take `width` each.
    public func scaled(by width: Int) -> Self { map { $0.lowerBound * width..<$0.upperBound * width } }
}

/// The way of a training that has one rank.
public final class OneRank: Communicator {
    public let rank = 0, size = 1, sentBytes = 0

    public init() {}

    public func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) throws -> any Transfer {
        preconditionFailure("there is no other rank")
    }

    public func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws -> any Transfer {
        preconditionFailure("there is no other rank")
    }
}

/// A number of each rank, on its way.
public final class Gathering<Number: BitwiseCopyable> {
    fileprivate let memory: UnsafeMutableBufferPointer<Number>
    fileprivate var transfer: (any Transfer)?

    fileprivate init(_ own: Number, ranks: Int) {
        memory = .allocate(capacity: ranks)
        memory.initialize(repeating: own)
    }

    deinit {
        try? transfer?.wait()
        memory.deallocate()
    }

    /// All of them, in the order of ranks, when they are there.
    ///
    /// - Throws: `unavailable` naming a rank that is lost.
    public func all() throws -> [Number] {
        try transfer?.wait()
        transfer = nil
        return Array(memory)
    }
}

/// Several that are waited for together.
public final class Transfers: Transfer {
    private var pending: [any Transfer]

    public init(_ transfers: [any Transfer]) { pending = transfers }

    public func wait() throws {
        defer { pending = [] }
        for transfer in pending { try transfer.wait() }
    }
}

/// What went wrong on one rank, for the others.
private struct RankFailure: Codable {
    let code: String
    let text: String
    let remedy: String?

    init(_ error: any Error) {
        var known = error as? StarlingError
        (code, remedy) = ((known?.code ?? .failed).description, known?.remedy)
        known?.remedy = nil
        text = known.map { "\($0)" } ?? "\(error)"
    }

    func encoded() throws -> [UInt8] { Array(try JSON.text(self).utf8) }

    static func decode(_ bytes: [UInt8]) throws -> Self {
        try JSON.decode(Self.self, from: bytes, file: "a rank's error")
    }

    func error(of rank: Int) -> StarlingError {
        let codes: [StarlingError.Code] = [.failed, .outOfMemory, .usage, .badData, .unavailable, .interrupted]
        return StarlingError(
            codes.first { $0.description == code } ?? .failed, "rank \(rank): \(text)", remedy: remedy)
    }
}
