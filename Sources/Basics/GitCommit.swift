/// The commit that a folder's Git repository is at.
package enum GitCommit {
    /// Forty or more hexadecimal digits; nil outside of a repository, or where there is no commit yet.
    package static func of(_ folder: String = ".") -> String? {
        var git = folder + "/.git"
        for _ in 0..<32 where !Files.exists(git) { git = "../" + git }
        // In a work tree or a submodule `.git` is a file that names the folder.
        if Files.kind(git) == .file, let text = line(git), text.hasPrefix("gitdir: ") {
            let named = String(text.dropFirst("gitdir: ".count))
            git = named.hasPrefix("/") ? named : Files.parent(git) + "/" + named
        }
        guard let head = line(git + "/HEAD") else { return nil }
        guard head.hasPrefix("ref: ") else { return checked(head) }
        let reference = head.dropFirst("ref: ".count)
        let common = line(git + "/commondir").map { $0.hasPrefix("/") ? $0 : git + "/" + $0 } ?? git
        if let commit = line("\(common)/\(reference)") { return checked(commit) }
        let packed = (try? Files.readText(common + "/packed-refs")) ?? ""
        let entry = packed.split(separator: "\n").first { $0.hasSuffix(" " + reference) }
        return entry.flatMap { checked(String($0.prefix { $0 != " " })) }
    }

    private static func line(_ path: String) -> String? {
        (try? Files.readText(path))?.split(separator: "\n").first.map(String.init)
    }

    private static func checked(_ text: String) -> String? {
        text.count >= 40 && text.allSatisfy(\.isHexDigit) ? text : nil
    }
}
