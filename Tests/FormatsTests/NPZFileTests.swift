import Basics
import Formats
import Testing

@Suite struct NPZFileTests {
    @Test(arguments: ["stored", "deflated", "zip64", "zip64_deflated", "piped"]) func readsNumPys(name: String) throws {
        let file = try NPZFile(Golden.path(name + ".npz"))
        #expect(file.names.starts(with: ["factors", "rows", "titles", "mean"]))
        let factors = try file.array("factors")
        #expect(factors.name == "factors" && factors.shape == [3, 4])
        #expect(factors.isView == (name == "stored" || name == "zip64"))
        #expect(try factors.floats() == (0..<12).map { Float($0 - 5) / 4 })
        #expect(try file.array("rows.npy").int64s() == (0..<7).map { $0 - 5 })
        #expect(try file.array("titles").strings() == ["Heat", "Amélie"])
        #expect(try file.array("mean").doubles() == [2.5])
        if name == "deflated" {
            #expect(try file.array("zeros").doubles() == [Double](repeating: 0, count: 2000))
        }
    }

    /// Every type in both byte orders and both array orders.
    @Test(arguments: ["orders", "orders_deflated"]) func readsAllOrders(name: String) throws {
        let file = try NPZFile(Golden.path(name + ".npz"))
        #expect(file.names.count == 46)
        for name in file.names.dropLast(2) {
            let array = try file.array(name)
            guard case .number(let type) = array.element else { throw StarlingError(.failed, "\(array.element)") }
            #expect(array.element.description.dropFirst() == name.prefix(2) && array.shape == [3, 4])
            #expect(try array.doubles() == (0..<12).map { Golden.value($0, type) }, "\(name)")
        }
        #expect(try file.array("bool").int64s() == (0..<12).map { $0 % 2 })
        #expect(try file.array("text").strings() == ["a", "é"])
    }

    @Test(arguments: ["object", "object_deflated"]) func refusesObjects(name: String) throws {
        let path = Golden.path(name + ".npz")
        let file = try NPZFile(path)
        #expect(try file.array("numbers").count == 12)
        expectError("array “things”: it holds Python objects", file: path) { _ = try file.array("things") }
        expectError("array “things”: it holds Python objects", file: path) { _ = try file.stream("things") }
    }

    @Test func readsInPieces() throws {
        for name in ["orders", "orders_deflated"] {
            let file = try NPZFile(Golden.path(name + ".npz"))
            for name in file.names {
                let stream = try file.stream(name)
                #expect(stream.isFortranOrder == name.hasSuffix("f") && stream.name == name)
                guard !stream.isFortranOrder else { continue }
                var bytes: [UInt8] = []
                while stream.remaining > 0 {
                    var piece = [UInt8](repeating: 0, count: min(5 * stream.element.size, stream.remaining))
                    try piece.withUnsafeMutableBytes { try stream.read(into: $0) }
                    bytes += piece
                    stream.release()
                }
                try stream.finish()
                #expect(try file.array(name).withUnsafeBytes { $0.elementsEqual(bytes) }, "\(name)")
            }
        }
    }

    @Test func readsSciPysMatrix() throws {
        let file = try NPZFile(Golden.path("csr.npz"))
        #expect(try file.array("format").strings() == ["csr"])
        #expect(try file.array("shape").int64s() == [3, 4])
        #expect(try file.array("indptr").int64s() == [0, 2, 2, 3])
        #expect(try file.array("indices").int64s() == [1, 3, 0])
        #expect(try file.array("data").floats() == [1, 2, 3])
        #expect(try NPZFile(Golden.path("accent.npz")).contains("é"))
    }

    @Test func anArrayOutlivesItsFile() throws {
        let array = try NPZFile(Golden.path("stored.npz")).array("rows")
        #expect(try array.int64s() == (0..<7).map { $0 - 5 })
    }

    @Test func refuses() throws {
        let path = Golden.path("stored.npz")
        let file = try NPZFile(path)
        #expect(file.contains("rows") && file.contains("rows.npy") && !file.contains("users"))
        expectError("no array “users” among factors, rows, titles, mean", file: path) { _ = try file.array("users") }
        expectError("array “x”: it is compressed by method 14", file: Golden.path("lzma.npz")) {
            _ = try NPZFile(Golden.path("lzma.npz")).array("x")
        }
        expectError("not a ZIP file", file: Golden.path("f4.npy")) { _ = try NPZFile(Golden.path("f4.npy")) }
        expectError("too few for a ZIP") { _ = try NPZFile(bytes: [], name: "x") }
        // Damage in the data of the first array, which is stored.
        var bytes = try Golden.bytes("stored.npz")
        bytes[230] ^= 1
        expectError("array “factors”: its checksum (CRC-32) does not fit") {
            _ = try NPZFile(bytes: bytes, name: "x").array("factors")
        }
        let whole = try Golden.bytes("stored.npz")
        for count in 0..<whole.count { expectError("") { _ = try NPZFile(bytes: whole[..<count], name: "x") } }
    }

    @Test func refusesAZipBomb() throws {
        let golden = try Golden.bytes("deflated.npz")
        let entry = try #require(directoryEntries(golden).last)
        func claiming(_ size: Int) -> [UInt8] {
            var bytes = golden
            for shift in 0..<4 { bytes[entry + 24 + shift] = UInt8(size >> (8 * shift) & 0xFF) }
            return bytes
        }
        let size = 50 * 40 * 8 + 128
        #expect(try NPZFile(bytes: claiming(size), name: "x").array("zeros").count == 2000)
        expectError("cannot inflate to 4000000000") { _ = try NPZFile(bytes: claiming(4_000_000_000), name: "x") }
        expectError("inflates to 16128 of the 16129 bytes") {
            _ = try NPZFile(bytes: claiming(size + 1), name: "x").array("zeros")
        }
        expectError("inflates to more than the 16127 bytes") {
            _ = try NPZFile(bytes: claiming(size - 1), name: "x").array("zeros")
        }
    }

    @Test func refusesEntriesThatShareData() throws {
        var bytes = try Golden.bytes("stored.npz")
        let entries = directoryEntries(bytes)
        // The second entry becomes the first one's twin under another name, in both of its headers.
        let name = Array("factorz.npy".utf8)
        var twin = Array(bytes[entries[0]..<entries[1]])
        twin.replaceSubrange(46..<57, with: name)
        bytes.replaceSubrange(entries[0]..<entries[1], with: twin)
        expectError("its local header bears another name") { _ = try NPZFile(bytes: bytes, name: "x") }

        var overlapping = try Golden.bytes("stored.npz")
        for field in [20, 24] {  // the first entry's sizes, so large that it ends in the second
            overlapping[entries[0] + field] &+= 1
        }
        expectError("entries “factors.npy” and “rows.npy” overlap") { _ = try NPZFile(bytes: overlapping, name: "x") }
    }

    /// Where the entries of the directory start.
    private func directoryEntries(_ bytes: [UInt8]) -> [Int] {
        (0..<bytes.count - 4).filter { bytes[$0..<$0 + 4].elementsEqual([0x50, 0x4B, 1, 2]) }
    }
}
