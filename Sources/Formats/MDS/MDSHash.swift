import Basics
import CXXHash
import Crypto

/// A hash over a shard's file, named as Python's `hashlib` and `xxhash` name it.
public enum MDSHash: String, Sendable, Hashable, CaseIterable {
    case md5
    case sha1
    case sha256
    case sha384
    case sha512
    case xxh32
    case xxh64
    /// The same as ``xxh3Bits128``.
    case xxh128
    case xxh3Bits64 = "xxh3_64"
    case xxh3Bits128 = "xxh3_128"

    /// - Throws: `usage` naming those there are.
    public init(name: String) throws {
        guard let hash = Self(rawValue: name) else {
            throw StarlingError(
                .usage, "the hash “\(name)” is not one that can be computed",
                remedy: "use one of " + Self.allCases.map(\.rawValue).sorted().joined(separator: ", "))
        }
        self = hash
    }

    /// Lower-case hexadecimal digits of the hash over the parts, one after the other.
    func digits(_ parts: [UnsafeRawBufferPointer]) -> String {
        switch self {
        case .md5: Self.digest(Insecure.MD5(), parts)
        case .sha1: Self.digest(Insecure.SHA1(), parts)
        case .sha256: Self.digest(SHA256(), parts)
        case .sha384: Self.digest(SHA384(), parts)
        case .sha512: Self.digest(SHA512(), parts)
        case .xxh32, .xxh64, .xxh128, .xxh3Bits64, .xxh3Bits128: xxHash(parts)
        }
    }

    private static func digest<Function: HashFunction>(_ function: Function, _ parts: [UnsafeRawBufferPointer])
        -> String
    {
        var function = function
        for part in parts { function.update(bufferPointer: part) }
        return function.finalize().map { hexadecimal($0, digits: 2) }.joined()
    }

    private func xxHash(_ parts: [UnsafeRawBufferPointer]) -> String {
        switch self {
        case .xxh32:
            let state = XXH32_createState()
            defer { XXH32_freeState(state) }
            XXH32_reset(state, 0)
            for part in parts { XXH32_update(state, part.baseAddress, part.count) }
            return Self.hexadecimal(XXH32_digest(state), digits: 8)
        case .xxh64:
            let state = XXH64_createState()
            defer { XXH64_freeState(state) }
            XXH64_reset(state, 0)
            for part in parts { XXH64_update(state, part.baseAddress, part.count) }
            return Self.hexadecimal(XXH64_digest(state), digits: 16)
        default:
            let state = XXH3_createState()
            defer { XXH3_freeState(state) }
            if self == .xxh3Bits64 {
                XXH3_64bits_reset(state)
                for part in parts { XXH3_64bits_update(state, part.baseAddress, part.count) }
                return Self.hexadecimal(XXH3_64bits_digest(state), digits: 16)
            }
            XXH3_128bits_reset(state)
            for part in parts { XXH3_128bits_update(state, part.baseAddress, part.count) }
            let digest = XXH3_128bits_digest(state)
            return Self.hexadecimal(digest.high64, digits: 16) + Self.hexadecimal(digest.low64, digits: 16)
        }
    }

    private static func hexadecimal(_ value: some BinaryInteger, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
