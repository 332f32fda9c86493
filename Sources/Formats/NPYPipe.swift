package import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// NPY arrays of version 1.0, back to back, from a pipe or a file. Each is read whole when it is asked for, and nothing beyond it.
///
/// Unlike other arrays they may hold `datetime64` in seconds or thousandths, millionths or billionths of them: such an array is
/// of `int64`, with ``NPYArray/ticksPerSecond``. Not thread safe: one owner.
package final class NPYPipe {
    /// Bytes that were read.
    package private(set) var byteCount = 0
    private let name: String
    private let file: Int32
    private let cancellation: Cancellation?

    /// - Parameters:
    ///   - path: a file or FIFO, which is waited for until somebody writes to it; `-` for standard input.
    ///   - name: what messages call it.
    ///   - cancellation: is looked at about ten times a second while nothing comes.
    /// - Throws: `badData` if it cannot be opened.
    package init(_ path: String, name: String, cancellation: Cancellation?) throws {
        (self.name, self.cancellation) = (name, cancellation)
        file = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.systemError("cannot open the stream", name, code: .badData) }
    }

    deinit { if file > 0 { close(file) } }

    /// The next array; nil where the stream ends before it.
    ///
    /// - Parameters:
    ///   - name: the array's name.
    ///   - part: where it stands, for messages: `batch 3, column “user”`.
    /// - Throws: `badData` for what is no such array and for a stream that ends within one; `failed` for one that is larger than
    ///   memory; `interrupted`.
    /// - Complexity: O(bytes), one copy of the array in memory.
    package func next(_ name: String, part: String) throws -> NPYArray? {
        let subject = Subject(file: self.name, part: part)
        var head = [UInt8](repeating: 0, count: 12)
        let count = try head.withUnsafeMutableBytes { try fill($0) }
        if count == 0 { return nil }
        guard head.starts(with: NPYHeader.magic.prefix(count)) else {
            throw subject.damaged("no NumPy array stands there")
        }
        guard count == head.count else { throw subject.damaged("the stream ends within the array's header") }
        guard head[6] == 1, head[7] == 0 else {
            throw subject.damaged(
                "it is in version \(head[6]).\(head[7]) of NumPy's format, 1.0 is expected",
                remedy: "write it with numpy.lib.format.write_array(…, version=(1, 0))")
        }
        let length = Int(head[8]) | Int(head[9]) << 8
        guard length >= 2 else { throw subject.damaged("the array's header is damaged: it has \(length) bytes") }
        head.append(contentsOf: repeatElement(0, count: length - 2))
        guard try head.withUnsafeMutableBytes({ try fill(.init(rebasing: $0[12...])) }) == length - 2 else {
            throw subject.damaged("the stream ends within the array's header")
        }
        let size = try head.withUnsafeBytes { try NPYHeader(parsing: $0, subject, takesTimes: true).byteCount }
        guard size <= Int.max - head.count else { throw subject.damaged("its shape is too large to be true") }
        let content = try HeapBytes(count: head.count + size, for: subject)
        content.bytes.copyBytes(from: head)
        let found = try fill(.init(rebasing: content.bytes[head.count...]))
        guard found == size else {
            throw subject.damaged("the stream ends within the array, after \(found) of its \(size) bytes")
        }
        return try NPYArray(
            UnsafeRawBufferPointer(content.bytes), owner: content, mapped: false, name: name, subject, takesTimes: true)
    }

    /// Fills `target` as far as the stream goes, and says how far.
    private func fill(_ target: UnsafeMutableRawBufferPointer) throws -> Int {
        var position = 0
        while position < target.count {
            try wait()
            let count = read(file, target.baseAddress! + position, target.count - position)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Files.systemError("cannot read the stream", name, code: .badData) }
            if count == 0 { break }
            position += count
            byteCount += count
        }
        return position
    }

    /// Returns when there is something to read, or the end.
    private func wait() throws {
        var watched = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
        while true {
            if let cancellation, cancellation.isCancelled {
                throw StarlingError(.interrupted, "reading was stopped")
            }
            let count = poll(&watched, 1, 100)
            if count > 0 || count < 0 && errno != EINTR { return }
        }
    }
}
