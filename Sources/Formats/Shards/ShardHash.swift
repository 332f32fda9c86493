import Basics
import Crypto

/// Hashes as an MDS index names them.
public enum ShardHash {
    /// Lower-case hexadecimal; nil for an algorithm that is not known here.
    public static func hex(_ algorithm: String, of bytes: UnsafeRawBufferPointer) -> String? {
        switch algorithm {
        case "md5": digits(Insecure.MD5.self, bytes)
        case "sha1": digits(Insecure.SHA1.self, bytes)
        case "sha256": digits(SHA256.self, bytes)
        case "sha384": digits(SHA384.self, bytes)
        case "sha512": digits(SHA512.self, bytes)
        default: nil
        }
    }

    /// Those of `hashes` whose algorithm is known.
    public static func known(_ hashes: [String: String]) -> [String: String] {
        hashes.filter { hex($0.key, of: UnsafeRawBufferPointer(start: nil, count: 0)) != nil }
    }

    /// - Throws: `badData` if the file has another size, or hashes to something else.
    /// - Complexity: reads the file once for each hash.
    package static func check(_ path: String, _ file: ShardFile, in location: String) throws {
        let place = StarlingError.Place(file: location, shard: file.name)
        let content = try MappedFile(path)
        if let size = file.size, size != content.bytes.count {
            throw StarlingError(
                .badData, "is \(content.bytes.count) bytes long, where the index says \(size)", at: place,
                remedy: "the file was cut short or replaced: write or copy the data set again")
        }
        for (algorithm, expected) in file.hashes.sorted(by: { $0.key < $1.key }) {
            guard let found = hex(algorithm, of: content.bytes), found != expected.lowercased() else { continue }
            throw StarlingError(
                .badData, "its \(algorithm) is \(found), where the index says \(expected)", at: place,
                remedy: "the file is damaged or was replaced: write or copy the data set again")
        }
    }

    private static func digits<Hash: HashFunction>(_ type: Hash.Type, _ bytes: UnsafeRawBufferPointer) -> String {
        var hash = Hash()
        hash.update(bufferPointer: bytes)
        let digits = Array("0123456789abcdef")
        return String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
