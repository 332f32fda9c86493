public import Basics
import Foundation

/// Ranks that are threads of this process, for tests of what does not care how ranks reach each other.
public enum LocalRanks {
    /// Runs `body` as every rank of a group of `size`, and returns what they returned, in the order of ranks.
    ///
    /// - Throws: what the lowest rank threw that was not just lost by others.
    public static func run<Value>(
        _ size: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
    ) throws -> [Value] {
        let outcomes = outcomes(size, body)
        for case .failure(let error) in outcomes where (error as? StarlingError)?.code != .unavailable { throw error }
        return try outcomes.map { try $0.get() }
    }

    /// The same with each rank's error.
    public static func outcomes<Value>(
        _ size: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
    ) -> [Result<Value, any Error>] {
        let post = Post()
        nonisolated(unsafe) var outcomes = [Result<Value, any Error>?](repeating: nil, count: size)
        let threads = (0..<size).map { rank in
            let thread = Thread {
                let outcome = Result { try body(LocalRank(rank: rank, size: size, post: post)) }
                post.condition.withLock {
                    outcomes[rank] = outcome
                    post.gone.insert(rank)
                    post.condition.broadcast()
                }
            }
            thread.stackSize = 8 << 20
            return thread
        }
        for thread in threads { thread.start() }
        post.condition.withLock { while post.gone.count < size { post.condition.wait() } }
        return outcomes.map { $0! }
    }

    /// A port that nobody listens at, just now.
    public static func freePort() throws -> Int {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard bound else { throw StarlingError(.failed, "there is no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// What is on its way between ranks.
private final class Post: @unchecked Sendable {
    struct Way: Hashable {
        let from, to: Int
    }

    let condition = NSCondition()
    /// By their number on the way.
    var letters: [Way: [Int: [UInt8]]] = [:]
    var sent: [Way: Int] = [:], awaited: [Way: Int] = [:]
    var gone: Set<Int> = []
}

private final class LocalRank: Communicator {
    let rank, size: Int
    private(set) var sentBytes = 0
    private let post: Post

    init(rank: Int, size: Int, post: Post) { (self.rank, self.size, self.post) = (rank, size, post) }

    func send(_ bytes: UnsafeRawBufferPointer, to other: Int) throws -> any Transfer {
        sentBytes += bytes.count
        post.condition.withLock {
            let way = Post.Way(from: rank, to: other)
            post.letters[way, default: [:]][post.sent[way, default: 0]] = Array(bytes)
            post.sent[way, default: 0] += 1
            post.condition.broadcast()
        }
        return Arrival {}
    }

    func receive(_ bytes: UnsafeMutableRawBufferPointer, from other: Int) throws -> any Transfer {
        let (way, post) = (Post.Way(from: other, to: rank), post)
        let number = post.condition.withLock {
            post.awaited[way, default: 0] += 1
            return post.awaited[way]! - 1
        }
        return Arrival {
            try post.condition.withLock {
                while post.letters[way]?[number] == nil {
                    guard !post.gone.contains(other) else {
                        throw StarlingError(.unavailable, "rank \(way.to) lost rank \(other)")
                    }
                    post.condition.wait()
                }
                let letter = post.letters[way]!.removeValue(forKey: number)!
                precondition(letter.count == bytes.count, "\(letter.count) bytes came for \(bytes.count)")
                bytes.copyBytes(from: letter)
            }
        }
    }
}

/// Ends when it is waited for.
private final class Arrival: Transfer {
    private let arrive: () throws -> Void
    init(_ arrive: @escaping () throws -> Void) { self.arrive = arrive }
    func wait() throws { try arrive() }
}
