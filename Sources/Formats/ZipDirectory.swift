import Basics

/// Reads and checks the directory at the end of a ZIP archive.
struct ZipDirectory {
    let bytes: UnsafeRawBufferPointer
    let subject: Subject

    private static let endSize = 22
    private static let entrySize = 46
    private static let localSize = 30

    /// Deflate cannot make data more than 1032 times smaller (zlib's technical notes, “Maximum Expansion Factor”).
    private static let deflateLimit = 1032

    func entries() throws -> [ZipArchive.Entry] {
        let directory = try locate()
        guard directory.count <= directory.range.count / Self.entrySize else {
            throw subject.damaged(
                "its directory of \(directory.count) entries cannot fit in \(directory.range.count) bytes")
        }
        var entries: [ZipArchive.Entry] = []
        var spans: [(range: Range<Int>, name: String)] = []
        var names: Set<String> = []
        var position = directory.range.lowerBound
        for _ in 0..<directory.count {
            let (entry, span, end) = try self.entry(at: position, directory.range)
            guard names.insert(entry.name).inserted else {
                throw subject.damaged("entry “\(entry.name)” is there twice")
            }
            entries.append(entry)
            spans.append((span, entry.name))
            position = end
        }
        guard position == directory.range.upperBound else {
            throw subject.damaged("its directory goes on behind the last entry")
        }
        // Entries that share data are how a small archive unpacks to a huge one.
        spans.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        for (one, two) in zip(spans, spans.dropFirst()) where one.range.upperBound > two.range.lowerBound {
            throw subject.damaged("entries “\(one.name)” and “\(two.name)” overlap")
        }
        return entries
    }

    /// Finds the directory by the record at the end of the file.
    private func locate() throws -> (range: Range<Int>, count: Int) {
        guard bytes.count >= Self.endSize else {
            throw subject.damaged("\(bytes.count) bytes are too few for a ZIP file")
        }
        let last = bytes.count - Self.endSize
        var end = last
        // A comment of up to 65,535 bytes may follow.
        while try value(UInt32.self, end) != ZipSignature.end
            || Int(try value(UInt16.self, end + 20)) != last - end
        {
            guard end > 0, last - end < Int(UInt16.max) else {
                throw subject.damaged("not a ZIP file, or its end is missing")
            }
            end -= 1
        }
        var limit = end
        var disks = [Int(try value(UInt16.self, end + 4)), Int(try value(UInt16.self, end + 6))]
        var count = Int(try value(UInt16.self, end + 10))
        var size = Int(try value(UInt32.self, end + 12))
        var offset = Int(try value(UInt32.self, end + 16))
        if end >= 20, try value(UInt32.self, end - 20) == ZipSignature.zip64Locator {
            limit = try wide(end - 12)
            guard limit <= end - 20, try value(UInt32.self, limit) == ZipSignature.zip64End else {
                throw subject.damaged("its ZIP64 end record is not where it should be")
            }
            disks = [Int(try value(UInt32.self, limit + 16)), Int(try value(UInt32.self, limit + 20))]
            count = try wide(limit + 32)
            size = try wide(limit + 40)
            offset = try wide(limit + 48)
        }
        guard disks == [0, 0] else { throw subject.damaged("it is one part of an archive over several disks") }
        let (start, overflow) = limit.subtractingReportingOverflow(size)
        guard !overflow, start >= 0, start == offset else {
            throw subject.damaged("its directory is not where its end record says")
        }
        return (start..<limit, count)
    }

    /// The entry at `position`, the bytes it takes with its local header, and where the next one stands.
    private func entry(
        at position: Int, _ directory: Range<Int>
    ) throws -> (ZipArchive.Entry, span: Range<Int>, end: Int) {
        guard position + Self.entrySize <= directory.upperBound,
            try value(UInt32.self, position) == ZipSignature.directory
        else { throw subject.damaged("its directory is damaged at byte \(position)") }
        let flags = try value(UInt16.self, position + 8)
        let method = try value(UInt16.self, position + 10)
        var packed = Int(try value(UInt32.self, position + 20))
        var size = Int(try value(UInt32.self, position + 24))
        let nameEnd = position + Self.entrySize + Int(try value(UInt16.self, position + 28))
        let extraEnd = nameEnd + Int(try value(UInt16.self, position + 30))
        let end = extraEnd + Int(try value(UInt16.self, position + 32))
        var offset = Int(try value(UInt32.self, position + 42))
        guard end <= directory.upperBound else { throw subject.damaged("its directory is damaged at byte \(position)") }

        let nameBytes = bytes[position + Self.entrySize..<nameEnd]
        guard let name = String(validating: nameBytes, as: UTF8.self), !name.isEmpty else {
            throw subject.damaged("an entry's name is not UTF-8, at byte \(position)")
        }
        let part = Subject(file: subject.file, part: "entry “\(name)”")
        var extra = try zip64Extra(nameEnd..<extraEnd, part)
        func widen(_ field: inout Int) throws {
            guard field == UInt32.max, let start = extra.first else { return }
            field = try wide(start)
            extra.removeFirst()
        }
        try widen(&size)
        try widen(&packed)
        try widen(&offset)
        guard flags & 1 == 0 else { throw part.damaged("it is encrypted") }
        guard method != 0 || packed == size else {
            throw part.damaged("it is stored, but its two sizes differ: \(packed) and \(size) bytes")
        }
        guard method != 8 || size / Self.deflateLimit <= packed else {
            throw part.damaged("\(packed) bytes cannot inflate to \(size): the file is damaged or malicious")
        }

        guard offset <= directory.lowerBound - Self.localSize, try value(UInt32.self, offset) == ZipSignature.local
        else { throw part.damaged("its local header is missing") }
        let localName = offset + Self.localSize
        let localNameEnd = localName + Int(try value(UInt16.self, offset + 26))
        let start = localNameEnd + Int(try value(UInt16.self, offset + 28))
        let (dataEnd, overflow) = start.addingReportingOverflow(packed)
        guard !overflow, dataEnd <= directory.lowerBound else { throw part.damaged("its data go beyond the file") }
        guard bytes[localName..<localNameEnd].elementsEqual(nameBytes) else {
            throw part.damaged("its local header bears another name")
        }
        let entry = ZipArchive.Entry(
            name: name, method: method, crc: try value(UInt32.self, position + 16), range: start..<dataEnd, size: size)
        return (entry, offset..<dataEnd, end)
    }

    /// Positions of the 64-bit values in the ZIP64 extra field, if there is one.
    private func zip64Extra(_ range: Range<Int>, _ part: Subject) throws -> [Int] {
        var position = range.lowerBound
        while position + 4 <= range.upperBound {
            let start = position + 4
            let end = start + Int(try value(UInt16.self, position + 2))
            guard end <= range.upperBound else { throw part.damaged("an extra field of it is damaged") }
            if try value(UInt16.self, position) == 1 { return Array(stride(from: start, to: end - 7, by: 8)) }
            position = end
        }
        return []
    }

    private func value<Value: FixedWidthInteger>(_: Value.Type, _ offset: Int) throws -> Value {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Value>.size else {
            throw subject.damaged("it ends where byte \(offset) should be")
        }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    private func wide(_ offset: Int) throws -> Int {
        guard let value = Int(exactly: try value(UInt64.self, offset)) else {
            throw subject.damaged("a size in its directory is too large to be true")
        }
        return value
    }
}
