import AsyncHTTPClient
import Basics
import Dispatch
import Formats
import NIOCore
import NIOHTTP1
import Synchronization

/// One request and its answer, pulled by a plain thread.
///
/// The network runs on the event loops of SwiftNIO; nothing of it runs on, or waits for, Swift's cooperative pool, so a
/// blocking call is safe wherever it is made. At most about a megabyte waits to be pulled.
final class Exchange: HTTPClientResponseDelegate, Sendable {
    typealias Response = Void

    private struct State: Sendable {
        var head: HTTPResponseHead?
        var parts: [ByteBuffer] = []
        var waitingBytes = 0
        /// Completed when there is room for more.
        var pause: EventLoopPromise<Void>?
        var hasEnded = false
        var failure: (any Error)?
        /// Counts what the network has done.
        var events = 0
        var task: HTTPClient.Task<Void>?
    }

    private static let room = 1 << 20
    private let state = Mutex(State())
    /// Counts up whenever the network has changed the state.
    private let changed = DispatchSemaphore(value: 0)
    private let idleSeconds: Double
    private let cancellation: Cancellation?

    /// Sends a request.
    ///
    /// - Parameter idleSeconds: how long nothing may come or go before the exchange counts as broken.
    init(_ request: WebRequest, idleSeconds: Double, cancellation: Cancellation?) throws {
        (self.idleSeconds, self.cancellation) = (idleSeconds, cancellation)
        var headers = HTTPHeaders([("Host", request.address.authority), ("Accept", "*/*")])
        for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) {
            headers.replaceOrAdd(name: name, value: value)
        }
        if headers["user-agent"].isEmpty { headers.add(name: "User-Agent", value: "starling/\(Release.version)") }
        do {
            let sent = try HTTPClient.Request(
                url: request.address.text, method: HTTPMethod(rawValue: request.method.rawValue), headers: headers,
                body: request.body.map(Exchange.body))
            let task = WebClient.shared.execute(request: sent, delegate: self)
            state.withLock { $0.task = task }
        } catch {
            throw StarlingError(.usage, "the address cannot be used", at: .init(file: request.address.shown))
        }
    }

    /// Waits for the status and the headers.
    ///
    /// - Throws: ``WebFailure``, `interrupted`.
    func head() throws -> WebHead {
        let head = try pull { $0.head }
        return WebHead(
            status: Int(head.status.code),
            headers: Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { _, last in last })
    }

    /// Waits for the next bytes and lends them; false when there are none left.
    ///
    /// - Throws: ``WebFailure``, `interrupted`, what `body` throws.
    func next(_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        let step: (ByteBuffer?, EventLoopPromise<Void>?) = try pull { state in
            guard !state.parts.isEmpty else { return state.hasEnded ? (nil, nil) : nil }
            let part = state.parts.removeFirst()
            state.waitingBytes -= part.readableBytes
            guard state.waitingBytes < Exchange.room / 2 else { return (part, nil) }
            defer { state.pause = nil }
            return (part, state.pause)
        }
        step.1?.succeed(())
        guard let part = step.0 else { return false }
        try part.withUnsafeReadableBytes(body)
        return true
    }

    /// The rest of the body, at most `limit` bytes of it.
    func rest(limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit, try next({ bytes += $0.prefix(limit - bytes.count) }) {}
        return bytes
    }

    /// Lets go of the connection. To be called when done, however that came about.
    func close() {
        let (task, pause) = state.withLock { state in
            defer { (state.pause, state.parts) = (nil, []) }
            let task = state.hasEnded || state.failure != nil ? nil : state.task
            if state.failure == nil { state.failure = WebFailure("given up") }
            return (task, state.pause)
        }
        task?.cancel()
        pause?.succeed(())
    }

    /// Waits until `take`, tried whenever something has changed, gives something.
    private func pull<Result: Sendable>(_ take: (inout State) -> Result?) throws -> Result {
        var (seen, watch) = (-1, Stopwatch())
        while true {
            if cancellation?.isCancelled == true { throw StarlingError(.interrupted, "stopped while fetching") }
            let (found, events): (Result?, Int) = try state.withLock { state in
                if let result = take(&state) { return (result, state.events) }
                if let failure = state.failure { throw WebFailure(failure) }
                if state.hasEnded { throw WebFailure("the server closed the connection") }
                return (nil, state.events)
            }
            if let found { return found }
            if events != seen { (seen, watch) = (events, Stopwatch()) }
            if watch.seconds >= idleSeconds {
                throw WebFailure("nothing came for \(Numerals.duration(idleSeconds))")
            }
            _ = changed.wait(timeout: .now() + .milliseconds(100))
        }
    }
}

// The network's side.
extension Exchange {
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        defer { changed.signal() }
        return state.withLock { state in
            state.events += 1
            return body(&state)
        }
    }

    func didSendRequestPart(task: HTTPClient.Task<Void>, _ part: IOData) { change { _ in } }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        change { $0.head = head }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        change { state in
            guard state.failure == nil else { return task.eventLoop.makeSucceededVoidFuture() }
            state.parts.append(buffer)
            state.waitingBytes += buffer.readableBytes
            guard state.waitingBytes >= Exchange.room else { return task.eventLoop.makeSucceededVoidFuture() }
            let pause = task.eventLoop.makePromise(of: Void.self)
            state.pause = pause
            return pause.futureResult
        }
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        let pause = change { state in
            if state.failure == nil { state.failure = error }
            defer { state.pause = nil }
            return state.pause
        }
        pause?.succeed(())
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws { change { $0.hasEnded = true } }

    private static func body(_ body: WebRequest.Body) -> HTTPClient.Body {
        switch body {
        case .file(let file): stream(file)
        case .bytes(let bytes): .bytes(bytes)
        }
    }

    /// Sends a file's content piece by piece; no more of it is in flight than the connection takes.
    private static func stream(_ file: MappedFile) -> HTTPClient.Body {
        let size = file.bytes.count
        @Sendable func send(from start: Int, _ writer: HTTPClient.Body.StreamWriter) -> EventLoopFuture<Void> {
            let end = min(size, start + (1 << 18))
            let piece = ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: file.bytes[start..<end]))
            let sent = writer.write(.byteBuffer(piece))
            return end == size ? sent : sent.flatMap { send(from: end, writer) }
        }
        return .stream(contentLength: Int64(size)) { send(from: 0, $0) }
    }
}
