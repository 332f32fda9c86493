package import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Sends requests to one server: follows redirects, waits and tries again where that can help, and turns what
/// remains into errors that say what to do.
package struct WebSession: Sendable {
    let server: any WebServer
    let options: RemoteOptions

    package init(server: any WebServer, options: RemoteOptions) { (self.server, self.options) = (server, options) }

    /// - Parameters:
    ///   - subject: the address of the file that the request is about, for messages.
    ///   - accepted: statuses beside 200…299 that `receive` deals with.
    ///   - make: gives the request, anew for each attempt, because signatures age and downloads get further.
    ///   - receive: takes the answer. ``WebFailure``s that it throws are tried again.
    func send<Result>(
        _ subject: String, accepting accepted: Set<Int> = [], _ cancellation: Cancellation?,
        _ make: () throws -> WebRequest, receive: (Exchange, WebHead) throws -> Result
    ) throws -> Result {
        var failures = 0
        while true {
            do {
                return try once(subject, accepted, cancellation, make, receive)
            } catch let failure as WebFailure {
                failures = failure.hasProgressed ? 1 : failures + 1
                let isTooLong = (failure.wait ?? 0) > options.longestRequestedDelay
                guard failure.remedy == nil, !isTooLong, failures < options.attempts else {
                    throw failed(subject, try make().address.shown, failure, failures)
                }
                try pause(max(failure.wait ?? 0, options.delay(after: failures)), cancellation)
            }
        }
    }

    /// The same for answers that are held whole.
    package func answer(
        _ subject: String, accepting accepted: Set<Int> = [], _ cancellation: Cancellation?,
        _ make: () throws -> WebRequest
    ) throws -> (head: WebHead, body: [UInt8]) {
        try send(subject, accepting: accepted, cancellation, make) { exchange, head in
            (head, try exchange.rest(limit: .max))
        }
    }

    private func once<Result>(
        _ subject: String, _ accepted: Set<Int>, _ cancellation: Cancellation?, _ make: () throws -> WebRequest,
        _ receive: (Exchange, WebHead) throws -> Result
    ) throws -> Result {
        var request = try make()
        for _ in 0..<6 {
            let exchange = try Exchange(request, idleSeconds: options.idleSeconds, cancellation: cancellation)
            defer { exchange.close() }
            let head = try exchange.head()
            switch head.status {
            case 200...299,
                _ where accepted.contains(head.status):
                return try receive(exchange, head)
            case _ where server.isBusy(head.status): throw busy(head, exchange)
            default: break
            }
            if server.learn(from: head) {
                request = try make()
            } else if let next = redirected(request, head) {
                request = next
            } else {
                let body = (try? exchange.rest(limit: 1 << 14)) ?? []
                throw server.refusal(head, String(decoding: body, as: UTF8.self), subject)
            }
        }
        throw WebFailure("it redirects without end", remedy: "check the address")
    }

    /// The request that a redirect asks for. What it proved to the one server it does not tell another.
    private func redirected(_ request: WebRequest, _ head: WebHead) -> WebRequest? {
        guard [301, 302, 303, 307, 308].contains(head.status), request.method == .get || head.status > 303,
            let target = head.headers["location"].flatMap({ request.address.redirected(to: $0) })
        else { return nil }
        var next = request
        next.address = target
        if (target.authority, target.isSecure) != (request.address.authority, request.address.isSecure) {
            next.headers = next.headers.filter { WebSession.harmless.contains($0.key) }
        }
        return next
    }

    /// Headers that say nothing of who asks.
    private static let harmless: Set = [
        "accept", "content-type", "if-match", "if-modified-since", "if-none-match", "if-range", "range", "user-agent",
    ]

    private func busy(_ head: WebHead, _ exchange: Exchange) -> WebFailure {
        let body = (try? exchange.rest(limit: 1 << 14)) ?? []
        let said = server.reason(of: String(decoding: body, as: UTF8.self)).map { ": \($0)" } ?? ""
        return WebFailure(
            "the server answered \(head.status)\(said)", wait: head.headers["retry-after"].flatMap(WebSession.seconds))
    }

    /// A `Retry-After`: seconds, or the time of day at which to come back.
    package static func seconds(_ retryAfter: String) -> Double? {
        if let seconds = Double(retryAfter) { return seconds.isFinite && seconds >= 0 ? seconds : nil }
        // `Wed, 21 Oct 2026 07:28:00 GMT`, the one form that servers may send today.
        let words = retryAfter.split { $0 == " " || $0 == ":" || $0 == "," }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 8, words[7] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let numbers = [1, 3, 4, 5, 6].compactMap { Int32(words[$0]) }
        guard numbers.count == 5, numbers.allSatisfy({ (0...9999).contains($0) }) else { return nil }
        var parts = tm()
        (parts.tm_mday, parts.tm_mon, parts.tm_year) = (numbers[0], Int32(month), numbers[1] - 1900)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[2], numbers[3], numbers[4])
        return max(0, Double(timegm(&parts)) - Host.now())
    }

    private func failed(
        _ subject: String, _ address: String, _ failure: WebFailure, _ attempts: Int
    ) -> StarlingError {
        let server = address == subject ? "" : " (\(address))"
        let times = attempts == 1 ? "" : " \(attempts) times"
        var remedy = failure.remedy ?? "check the address and the network, and try again"
        if let wait = failure.wait, wait > options.longestRequestedDelay {
            remedy = "it asks to come back in \(Numerals.duration(wait))"
        }
        return StarlingError(
            .unavailable, "could not be fetched or sent\(times)\(server): \(failure)",
            at: .init(file: subject), remedy: remedy)
    }

    private func pause(_ seconds: Double, _ cancellation: Cancellation?) throws {
        let watch = Stopwatch()
        while watch.seconds < seconds {
            if cancellation?.isCancelled == true { throw StarlingError(.interrupted, "stopped while fetching") }
            Host.sleep(min(0.05, max(0.001, seconds - watch.seconds)))
        }
    }
}
