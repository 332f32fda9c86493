import Basics
import Formats
import Testing

@Suite struct MDSWriterTests {
    /// Expects the files that the package wrote from the same samples, all bytes of them.
    private func expectGolden(
        _ name: String, _ columns: [String: MDSEncoding], _ options: MDSWriter.Options = .init(),
        _ location: SourceLocation = #_sourceLocation, _ write: (MDSWriter) throws -> Void
    ) throws {
        try Golden.withDirectory { directory in
            let writer = try MDSWriter(directory, columns: columns, options: options)
            try write(writer)
            let index = try writer.finish()
            let golden = MDSSamples.folder(name)
            let files = try Files.list(golden)
            #expect(try Files.list(directory) == files, sourceLocation: location)
            #expect(try MDSIndex(golden + "/index.json") == index, sourceLocation: location)
            for file in files {
                let (ours, theirs) = (try Files.read(directory + "/" + file), try Files.read(golden + "/" + file))
                #expect(ours == theirs, "\(file)", sourceLocation: location)
            }
        }
    }

    @Test func everyEncodingAndHash() throws {
        try expectGolden("every", MDSSamples.everyColumn, .init(hashes: MDSHash.allCases)) { writer in
            for k in 0..<5 { try writer.write(MDSSamples.every(k)) }
        }
    }

    @Test func rollsOverAsThePackageDoes() throws {
        let options = MDSWriter.Options(hashes: [.xxh3Bits64, .sha1], sizeLimit: 1200)
        try expectGolden("ratings", MDSSamples.ratingColumns, options) { writer in
            for k in 0..<100 { try writer.write(MDSSamples.rating(k)) }
        }
        try expectGolden("one", MDSSamples.ratingColumns, .init(sizeLimit: nil)) { writer in
            for k in 0..<100 { try writer.write(MDSSamples.rating(k)) }
        }
        try expectGolden("text", ["é": .string, "n": .uint16], .init(sizeLimit: 600)) { writer in
            for k in 0..<30 { try writer.write(MDSSamples.text(k)) }
        }
        try expectGolden("oversize", ["b": .bytes], .init(sizeLimit: 400)) { writer in
            for size in [500, 3, 600, 700, 1] { try writer.write(["b": .bytes(.init(repeating: 0x78, count: size))]) }
        }
        try expectGolden("none", MDSSamples.ratingColumns) { _ in }
    }

    @Test(arguments: [[100], [1, 99], [40, 0, 41, 19], [33, 33, 34]])
    func batchesMakeTheSameShards(_ sizes: [Int]) throws {
        let options = MDSWriter.Options(hashes: [.sha1, .xxh3Bits64], sizeLimit: 1200)
        try expectGolden("ratings", MDSSamples.ratingColumns, options) { writer in
            var start = 0
            for size in sizes {
                // Samples by themselves and batches mix.
                if size == 1 {
                    try writer.write(MDSSamples.rating(start))
                } else {
                    try writer.write(MDSSamples.ratings(start..<start + size))
                }
                start += size
            }
            #expect(writer.count == 100)
        }
        // Every sample beyond the limit: the package's empty shard, then one each.
        let samples = try Golden.withDirectory { directory in
            let writer = try MDSWriter(directory, columns: ["a": .int8], options: .init(sizeLimit: 10))
            try writer.write(["a": .int8([1, 2, 3])])
            return try writer.finish().shards.map(\.samples)
        }
        #expect(samples == [0, 1, 1, 1])
    }

    @Test func vectorsOfEveryType() throws {
        let vectors: [String: MDSVector] = [
            "a": .int8([-1, 2]), "b": .int16([-1, 2]), "c": .int32([-1, 2]), "d": .int64([-1, 2]),
            "e": .uint8([1, 2]), "f": .uint16([1, 2]), "g": .uint32([1, 2]), "h": .uint64([1, .max]),
            "i": .float32([0.5, 2]), "j": .float64([0.25, 2]), "k": .int64([5, 6]),
        ]
        try Golden.withDirectory { directory in
            var columns = vectors.mapValues { MDSEncoding.number($0.elementType) }
            columns["k"] = .int
            let writer = try MDSWriter(directory, columns: columns)
            try writer.write(vectors)
            try writer.finish()
            let shard = try MDSFolder(directory).shard(0)
            let first: [String: MDSValue] = [
                "a": .int(-1), "b": .int(-1), "c": .int(-1), "d": .int(-1), "e": .uint(1), "f": .uint(1), "g": .uint(1),
                "h": .uint(1), "i": .float(0.5), "j": .float(0.25), "k": .int(5),
            ]
            #expect(try shard.sample(0) == first)
            #expect(try shard.value("h", sample: 1) == .uint(.max))
        }
    }

    @Test(arguments: ["zstd", "zstd:7", "gz", "gz:1"])
    func compresses(_ text: String) throws {
        try Golden.withDirectory { directory in
            let compression = try MDSCompression(text)
            #expect(compression.description == text)
            let options = MDSWriter.Options(compression: compression, hashes: [.xxh64], sizeLimit: 2000)
            let writer = try MDSWriter(directory, columns: MDSSamples.ratingColumns, options: options)
            try writer.write(MDSSamples.ratings(0..<200))
            let ours = try writer.finish()
            let name = text.replacing(":", with: "")
            let theirs = try MDSIndex(MDSSamples.folder(name) + "/index.json")
            #expect(ours.shards.map(\.rawData) == theirs.shards.map(\.rawData))
            #expect(ours.shards.map(\.zipData?.basename) == theirs.shards.map(\.zipData?.basename))
            // Compressed bytes may differ from one version of a library to the next; the report says whether they do.
            print("\(text): compressed files are \(ours == theirs ? "" : "not ")the package's own")
            for (folder, count) in [(directory, 200), (MDSSamples.folder(name), 200)] {
                let folder = try MDSFolder(folder)
                #expect(folder.count == count)
                for sample in [0, 1, 99, 199] {
                    let (shard, row) = folder.place(of: sample)
                    #expect(try folder.shard(shard).sample(row) == MDSSamples.rating(sample))
                }
            }
        }
    }

    @Test func refusals() throws {
        try Golden.withDirectory { directory in
            func options(_ limit: Int) -> MDSWriter.Options { .init(sizeLimit: limit) }
            expectError("at least one column", code: .usage, file: nil) {
                _ = try MDSWriter(directory, columns: [:])
            }
            expectError("size limit of 0 bytes", code: .usage, file: nil) {
                _ = try MDSWriter(directory, columns: ["a": .int], options: options(0))
            }
            expectError("size limit of 4294967296 bytes", code: .usage, file: nil) {
                _ = try MDSWriter(directory, columns: ["a": .int], options: options(1 << 32))
            }
            let writer = try MDSWriter(directory + "/new/folder", columns: ["a": .int8, "b": .string])
            let file = directory + "/new/folder"
            expectError("column “a”: int(200) is outside the range of int8", file: file) {
                try writer.write(["a": .int(200), "b": .string("")])
            }
            expectError("column “b”: there is no value", file: file) { try writer.write(["a": .int(1), "c": .int(1)]) }
            expectError("column “b”: a whole number cannot be written as str", file: file) {
                try writer.write(["a": .int(1), "b": .int(1)])
            }
            expectError("there is no column “c”", file: file) {
                try writer.write(["a": .int(1), "b": .string(""), "c": .int(1)])
            }
            expectError("a batch needs", code: .usage, file: file) { try writer.write(["a": .int8([1])]) }
            // What was refused is not in the way.
            try writer.write(["a": .int(1), "b": .string("x")])
            #expect(try writer.finish().samples == 1)
            expectError("the folder is not empty", code: .usage, file: file) {
                _ = try MDSWriter(file, columns: ["a": .int8])
            }
        }
    }

    @Test func aStoppedWriterLeavesNoDataSet() throws {
        try Golden.withDirectory { directory in
            do {
                let writer = try MDSWriter(directory, columns: ["a": .int64], options: .init(sizeLimit: 200))
                try writer.write(["a": .int64(.init(repeating: 1, count: 50))])
            }
            #expect(try Files.list(directory).contains("shard.00000.mds"))
            expectError("there is no index.json in the folder", file: directory) { _ = try MDSFolder(directory) }
        }
        // The folder goes away while it is written to.
        try Golden.withDirectory { directory in
            let folder = directory + "/gone"
            let writer = try MDSWriter(folder, columns: ["a": .int64], options: .init(sizeLimit: 200))
            try Files.remove(folder)
            expectError("cannot create the file", code: .failed, file: folder + "/shard.00000.mds") {
                try writer.write(["a": .int64(.init(repeating: 1, count: 50))])
            }
            try Files.makeDirectory(folder)
            expectError("a shard could not be written", code: .failed, file: folder) { try writer.finish() }
            #expect(try Files.list(folder).isEmpty)
        }
    }
}
