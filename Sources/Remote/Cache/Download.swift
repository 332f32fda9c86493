import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Brings one file into the cache's partial place, going on with what lies there. The entry's lock must be held.
struct Download {
    let place: any Place
    let session: WebSession
    let cache: ShardCache
    let entry: CacheEntry
    let name: String
    /// Bytes that it must have, where that is known.
    let size: Int?
    let cancellation: Cancellation?

    enum Outcome {
        /// The content in the cache is what the server has.
        case unchanged
        /// The partial place holds the whole file.
        case fetched(CacheEntry.Note)
    }

    /// - Parameter known: what the server called the content that the cache has; nil to fetch in any case.
    func run(unless known: String?) throws -> Outcome {
        if known != nil { entry.removePart() }
        var furthest = 0
        return try session.send(place.address(of: name), accepting: [304, 416], cancellation) {
            try request(known)
        } receive: { exchange, head in
            switch head.status {
            case 304 where known != nil: return .unchanged
            case 206:
                guard let range = head.range, range.start == entry.partSize else { throw outOfStep() }
                return try receive(exchange, head, from: range.start, of: range.total, &furthest)
            case 200: return try receive(exchange, head, from: 0, of: head.length, &furthest)
            default:
                // Of what had come, the server now says that it has no more: perhaps because that was all.
                let note = entry.partNote
                if head.status == 416, let size = note.size, size == entry.partSize { return .fetched(note) }
                throw outOfStep()
            }
        }
    }

    private func outOfStep() -> WebFailure {
        entry.removePart()
        return WebFailure("the server sent another part than was asked for")
    }

    private func request(_ known: String?) throws -> WebRequest {
        var headers: [String: String] = [:]
        let note = entry.partNote
        if let known {
            headers[known.hasPrefix("\"") ? "if-none-match" : "if-modified-since"] = known
        } else if entry.partSize > 0, let validator = note.validator {
            headers["range"] = "bytes=\(entry.partSize)-"
            headers["if-range"] = validator
        }
        return try place.request(.get, name, headers: headers, body: nil)
    }

    private func receive(
        _ exchange: Exchange, _ head: WebHead, from start: Int, of total: Int?, _ furthest: inout Int
    ) throws -> Outcome {
        if let total, let size, total != size { throw wrongSize(total, size) }
        let validator = head.validator ?? (start > 0 ? entry.partNote.validator : nil)
        let note = CacheEntry.Note(validator: validator, size: total)
        let expected = (total ?? size).map { $0 - start }
        try cache.makeRoom(for: max(0, expected ?? 0), keeping: entry, cancellation)
        if start == 0 { entry.removePart() }
        entry.partNote = note
        let writer = try FileWriter(appendingTo: entry.partPath)
        do {
            while try exchange.next({ try writer.write($0) }) {
                if let size, start + writer.count > size { throw wrongSize(start + writer.count, size) }
            }
            if let expected, writer.count != expected {
                guard let size, total == nil else { throw WebFailure("the file was cut short") }
                throw wrongSize(start + writer.count, size)
            }
            try writer.close(synced: true)
            return .fetched(note)
        } catch var failure as WebFailure {
            // What has come is kept for the next attempt, or the next process.
            try writer.close(synced: false)
            failure.hasProgressed = start + writer.count >= furthest + (1 << 20)
            furthest = max(furthest, start + writer.count)
            throw failure
        } catch let error as StarlingError where error.code == .interrupted {
            try writer.close(synced: false)
            throw error
        }
    }

    private func wrongSize(_ found: Int, _ expected: Int) -> StarlingError {
        entry.removePart()
        return StarlingError(
            .badData, "the server has \(found) bytes or more of it, where the index says \(expected)",
            at: .init(file: place.address(of: name)),
            remedy: "the file was replaced or is damaged: write or copy the data set again")
    }
}
