import Basics
import Formats
import Testing

/// Data sets that cannot be read, and what is said about them.
@Suite struct MDSDamageTests {
    /// Lets `damage` spoil a copy of a golden data set, and expects an error of reading all of it.
    private func expectRefused(
        _ words: String, _ name: String = "ratings", at file: String = "shard.00001.mds", shard: String? = "00001",
        sample: Int? = nil, location: SourceLocation = #_sourceLocation, damage: (String) throws -> Void
    ) throws {
        try Golden.withDirectory { directory in
            let folder = try MDSSamples.copy(name, to: directory)
            try damage(folder)
            let place = file.isEmpty ? folder : folder + "/" + file
            expectMDSError(words, place, shard, sample, location) { try readAll(folder) }
        }
    }

    private func readAll(_ path: String) throws {
        let folder = try MDSFolder(path)
        for number in folder.index.shards.indices {
            let shard = try folder.shard(number)
            for row in 0..<shard.count { _ = try shard.sample(row) }
        }
    }

    private func edit(_ file: String, _ change: (inout [UInt8]) throws -> Void) throws {
        var bytes = try Files.read(file)
        try change(&bytes)
        try Files.write(bytes, to: file)
    }

    private func replace(_ folder: String, _ old: String, _ new: String) throws {
        let text = try Files.readText(folder + "/index.json")
        #expect(text.contains(old), "\(old)")
        try Files.write(text.replacing(old, with: new, maxReplacements: 1).utf8, to: folder + "/index.json")
    }

    @Test func files() throws {
        try expectRefused("the shard is missing, which the index names") { try Files.remove($0 + "/shard.00001.mds") }
        try expectRefused("it has 1192 bytes, the index says 1193") {
            try edit($0 + "/shard.00001.mds") { $0.removeLast() }
        }
        try expectRefused("it has 1194 bytes, the index says 1193") {
            try edit($0 + "/shard.00001.mds") { $0.append(0) }
        }
        try expectRefused("its sha1 is") { try edit($0 + "/shard.00001.mds") { $0[1000] ^= 1 } }
        try expectRefused("the hash “sha224” is not one that can be computed") {
            let text = try Files.readText($0 + "/index.json").replacing("sha1", with: "sha224")
            try Files.write(text.utf8, to: $0 + "/index.json")
            // The first shard is not the one to fail.
            try Files.write(text.replacing("sha224", with: "sha1", maxReplacements: 2).utf8, to: $0 + "/index.json")
        }
        try expectRefused("there is no index.json", at: "", shard: nil) { try Files.remove($0 + "/index.json") }
        expectError("there is no such folder", file: "/nowhere/x") { _ = try MDSFolder("/nowhere/x") }
    }

    @Test func indexAndShardDisagree() throws {
        // A shard of the same size, and one hash less.
        func other(_ change: @escaping (inout [UInt8]) throws -> Void) -> (String) throws -> Void {
            { folder in
                try edit(folder + "/shard.00001.mds", change)
                var text = try Files.readText(folder + "/index.json")
                text.replace(/"hashes": \{[^}]*\}/, with: "\"hashes\": {}")
                try Files.write(text.utf8, to: folder + "/index.json")
            }
        }
        try expectRefused("it holds 39 samples, the index says 40", sample: nil, damage: other { $0[0] -= 1 })
        try expectRefused("its samples would begin at byte 16777609 of 1193", sample: 0, damage: other { $0[7] = 1 })
        try expectRefused("the sample has 24 bytes, 20 are expected", sample: 3, damage: other { $0[4 + 4 * 4] += 4 })
        try expectRefused(
            "its columns are item: int64, rating: float64, user: int64; the index says item: int64, rating: float32",
            damage: other { bytes in
                let text = Array("float32".utf8)
                let start = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
                bytes.replaceSubrange(start..<start + 7, with: "float64".utf8)
            })
    }

    @Test func cells() throws {
        func spoil(_ sample: Int, _ change: @escaping (inout ArraySlice<UInt8>) -> Void) -> (String) throws -> Void {
            { folder in
                try edit(folder + "/shard.00000.mds") { bytes in
                    func offset(_ sample: Int) -> Int {
                        (0..<4).reduce(0) { $0 | Int(bytes[4 + 4 * sample + $1]) << (8 * $1) }
                    }
                    change(&bytes[offset(sample)..<offset(sample + 1)])
                }
            }
        }
        let file = "shard.00000.mds"
        // Sample 3 of “text”: the size of a text of 11 bytes, a number, the text.
        try expectRefused(
            "its cells take 18 bytes, it has 17", "text", at: file, shard: "00000", sample: 3,
            damage: spoil(3) { $0[$0.startIndex] += 1 })
        try expectRefused(
            "its cells take 16777233 bytes, it has 17", "text", at: file, shard: "00000", sample: 3,
            damage: spoil(3) { $0[$0.startIndex + 3] = 1 })
        try expectRefused(
            "column “é”: its text is not UTF-8", "text", at: file, shard: "00000", sample: 3,
            damage: spoil(3) { $0[$0.startIndex + 6] = 0xFF })
    }

    @Test func zipBombs() throws {
        for name in ["zstd", "gz"] {
            let file = "shard.00001.mds." + name
            let index = try MDSIndex(MDSSamples.folder(name) + "/index.json")
            let (raw, zip) = (index.shards[1].rawData.bytes, index.shards[1].zipData!.bytes)
            // The index says less than the data, more, and more than there can be.
            func state(_ bytes: Int) -> (String) throws -> Void {
                { folder in
                    let text = try Files.readText(folder + "/index.json")
                    let parts = text.components(around: "\"basename\": \"shard.00001.mds\", \"bytes\": \(raw)")
                    let new = "\"basename\": \"shard.00001.mds\", \"bytes\": \(bytes)"
                    try Files.write((parts.0 + new + parts.1).utf8, to: folder + "/index.json")
                }
            }
            try expectRefused(
                "it decompresses to more than the \(raw - 1) bytes", name, at: file, damage: state(raw - 1))
            try expectRefused(
                "it decompresses to \(raw) of the \(raw + 1) bytes", name, at: file, damage: state(raw + 1))
            try expectRefused(
                "\(zip) compressed bytes cannot hold the 4294967295 bytes", name, at: "index.json",
                damage: state(4_294_967_295)
            )
            try expectRefused("it has \(zip - 1) bytes, the index says \(zip)", name, at: file) {
                try edit($0 + "/" + file) { $0.removeLast() }
            }
            try expectRefused("its xxh64 is", name, at: file) { try edit($0 + "/" + file) { $0[40] ^= 1 } }
            // Without hashes the decompressor finds it.
            let info = index.shards[1]
            var bytes = try Files.read(MDSSamples.folder(name) + "/" + file)
            bytes.removeLast(bytes.count / 2)
            let half = MDSFileInfo(basename: file, bytes: bytes.count)
            let shorter = MDSShardInfo(
                columns: info.columns, compression: info.compression, rawData: info.rawData, zipData: half,
                samples: info.samples)
            expectMDSError("its compressed data", "x", "00001") { _ = try MDSShard(shorter, bytes: bytes, name: "x") }
        }
    }

    @Test(arguments: [
        ("\"bytes\": 1193", "\"bytes\": -1", "00000", "raw_data.bytes: the index is damaged: a whole number of 0"),
        (
            "\"bytes\": 1193", "\"bytes\": 99999999999999999999", "00000",
            "raw_data.bytes: the index is damaged: a number"
        ),
        ("\"bytes\": 1193", "\"bytes\": 4294967296", "00000", "raw_data.bytes: 4294967296 bytes are more than"),
        ("\"bytes\": 1193", "\"bytes\": 1e3", "00000", "raw_data.bytes: "),
        ("\"samples\": 40", "\"samples\": -40", "00000", "samples: the index is damaged: a whole number of 0"),
        ("\"samples\": 40", "\"samples\": 9223372036854775807", "00000", "samples of at least 20 bytes do not fit"),
        ("\"samples\": 40", "\"samples\": 50", "00000", "50 samples of at least 20 bytes do not fit the 1193 bytes"),
        ("\"size_limit\": 1200", "\"size_limit\": -5", "00000", "size_limit: "),
        ("\"int64\", \"float32\"", "\"pkl\", \"float32\"", "00000", "the encoding “pkl” is unsafe"),
        ("\"int64\", \"float32\"", "\"jpeg\", \"float32\"", "00000", "the encoding “jpeg” is a picture"),
        ("\"int64\", \"float32\"", "\"int65\", \"float32\"", "00000", "the encoding “int65” is not known"),
        ("\"int64\", \"float32\"", "\"float32\"", "00000", "3 column names, 2 encodings and 3 sizes"),
        ("[8, 4, 8]", "[8, 8, 8]", "00000", "column “rating”: cells of float32 have 4 bytes, the index says 8 bytes"),
        ("[8, 4, 8]", "[8, null, 8]", "00000", "column “rating”: cells of float32 have 4 bytes, the index says no"),
        ("\"compression\": null", "\"compression\": \"br\"", "00000", "the compression “br” is not supported"),
        ("\"compression\": null", "\"compression\": \"gz\"", "00000", "“compression” and “zip_data” do not go"),
        ("\"mds\"", "\"csv\"", "00000", "it is of format “csv”"),
        ("\"shard.00000.mds\"", "\"../shard.00000.mds\"", "00000", "“../shard.00000.mds” leads elsewhere"),
        ("\"shard.00000.mds\"", "\"/etc/passwd\"", "00000", "“/etc/passwd” leads elsewhere"),
        ("\"shard.00000.mds\"", "\"a/../../b\"", "00000", "leads elsewhere"),
        ("\"shard.00000.mds\"", "\"\"", "00000", "leads elsewhere"),
        ("\"shard.00000.mds\"", "\"a\\u0000\"", "00000", "leads elsewhere"),
        ("\"samples\": 40, ", "", "00000", "key “samples” is missing"),
        ("\"samples\": 40, ", "\"samples\": 40, \"samples\": 40, ", "00000", "key “samples” stands twice"),
        ("\"samples\": 40, ", "\"samples\": 40, \"x\": 31, ", "00000", "key “x” is not known"),
        ("\"user\"]", "\"item\"]", "00000", "two columns have the same name"),
    ])
    func index(_ old: String, _ new: String, _ shard: String, _ words: String) throws {
        try expectRefused(words, at: "index.json", shard: shard) { try replace($0, old, new) }
    }

    @Test func indexAsAWhole() throws {
        for (text, words) in [
            ("", "“{” is expected"), ("[]", "“{” is expected"), ("{}", "key “version” is missing"),
            ("{\"version\": 2}", "key “shards” is missing"), ("{\"shards\": [], \"version\": 1}", "version 1 of the"),
            ("{\"shards\": [], \"version\": 2", "“}” is expected"),
            ("{\"shards\": [], \"version\": 2}x", "nothing more is expected"),
        ] {
            expectMDSError(words, "x", nil) { _ = try MDSIndex(bytes: Array(text.utf8), name: "x") }
        }
        expectMDSError("the compression “br” is not supported", MDSSamples.folder("br") + "/index.json", "00000") {
            _ = try MDSFolder(MDSSamples.folder("br"))
        }
    }

    @Test func columnsThatAreNotTheSame() throws {
        func change(_ old: String, _ new: String) -> (String) throws -> Void {
            { folder in
                let text = try Files.readText(folder + "/index.json")
                let parts = text.components(around: "}, {\"column_encodings\"")
                let rest = ("}, {\"column_encodings\"" + parts.1).replacing(old, with: new, maxReplacements: 1)
                try Files.write((parts.0 + rest).utf8, to: folder + "/index.json")
            }
        }
        try expectRefused(
            "column “user” is missing, which shard 00000 has", at: "index.json", damage: change("\"user\"", "\"usr\""))
        try expectRefused(
            "column “rating” is int32, and float32 in shard 00000", at: "index.json",
            damage: change("\"float32\"", "\"int32\"")
        )
        try expectRefused("column “user” is missing", at: "index.json") { folder in
            try change(
                ", \"int64\"], \"column_names\": [\"item\", \"rating\", \"user\"]",
                "], \"column_names\": [\"item\", \"rating\"]")(folder)
            try change("[8, 4, 8]", "[8, 4]")(folder)
        }
    }
}

extension String {
    /// What stands before and behind the first occurrence.
    fileprivate func components(around text: String) -> (String, String) {
        guard let range = firstRange(of: text) else { return (self, "") }
        return (String(self[..<range.lowerBound]), String(self[range.upperBound...]))
    }
}
