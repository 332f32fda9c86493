import Basics

/// One profile of `~/.aws/credentials` and `~/.aws/config`; the former wins.
struct AWSProfile: Sendable {
    let name: String
    private let values: [String: String]

    subscript(_ key: String) -> String? { values[key] }

    /// The profile that `AWS_PROFILE` names, else `default`, which may be absent.
    ///
    /// - Throws: `usage` if a profile is named and is in neither file.
    init(_ environment: Environment) throws {
        let named = environment.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        name = named ?? "default"
        let home = environment["HOME"].map { $0 + "/.aws/" }
        let config = AWSProfile.read(
            environment["AWS_CONFIG_FILE"] ?? home.map { $0 + "config" },
            name == "default" ? ["default", "profile default"] : ["profile " + name])
        let credentials = AWSProfile.read(
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home.map { $0 + "credentials" }, [name])
        if let named, config == nil && credentials == nil {
            throw StarlingError(
                .usage, "AWS_PROFILE names “\(named)”, which neither the credentials nor the config file has",
                remedy: "check the name, AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE")
        }
        values = (config ?? [:]).merging(credentials ?? [:]) { $1 }
    }

    /// A section of an INI file; nil if there is no such file or section. Indented lines, which belong to the key before
    /// them, are passed over.
    private static func read(_ path: String?, _ sections: [String]) -> [String: String]? {
        guard let path, let text = try? Files.readText(path) else { return nil }
        var (found, isWithin): ([String: String]?, Bool) = (nil, false)
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("[") {
                let section = line.dropFirst().prefix { $0 != "]" }.split(separator: " ").joined(separator: " ")
                isWithin = sections.contains(section)
                if isWithin && found == nil { found = [:] }
            } else if isWithin, let first = line.first, !" \t#;".contains(first), let mark = line.firstIndex(of: "=") {
                let value = trimmed(line[line.index(after: mark)...])
                if !value.isEmpty { found?[trimmed(line[..<mark]).lowercased()] = value }
            }
        }
        return found
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
