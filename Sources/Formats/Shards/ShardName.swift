import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Names of files within a data set. They come from its index, which anybody may have written.
package enum ShardName {
    /// - Throws: `badData` unless `name` is relative and stays within the place.
    package static func check(_ name: String, in location: String) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        guard isPlain, !name.utf8.contains(where: { $0 < 32 || $0 == 127 }), name.utf8.count <= 1024 else {
            let shown = String(
                name.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(80).map(Character.init))
            throw StarlingError(
                .badData, "“\(shown)” is not the name of a file in a data set", at: .init(file: location),
                remedy: "names are relative and hold no “..”, empty parts or control characters")
        }
    }

    /// Whether a whole name matches a glob; `*`, `?` and `[…]` do not match `/`.
    package static func matches(_ name: String, _ glob: String) -> Bool {
        fnmatch(glob, name, FNM_PATHNAME) == 0
    }

    /// What every match begins with.
    package static func literalPrefix(of glob: String) -> String {
        String(glob.prefix { !"*?[\\".contains($0) })
    }

    /// Walks folders for the names that match, reading only those folders that can hold some.
    ///
    /// - Parameter entries: of a folder; `""` is the uppermost.
    package static func walk(
        _ glob: String, _ entries: (_ folder: String) throws -> [(name: String, isFolder: Bool)]
    ) throws -> [String] {
        let parts = glob.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var found: [String] = []
        func visit(_ folder: String, _ depth: Int) throws {
            let isLast = depth == parts.count - 1
            for (name, isFolder) in try entries(folder) where isFolder != isLast && matches(name, parts[depth]) {
                if isLast { found.append(folder + name) } else { try visit(folder + name + "/", depth + 1) }
            }
        }
        try visit("", 0)
        return sorted(found)
    }

    package static func sorted(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
