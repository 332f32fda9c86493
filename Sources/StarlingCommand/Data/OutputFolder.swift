import Starling

/// A folder that a command writes whole, perhaps in place of one that it wrote before.
struct OutputFolder {
    let path: String

    /// - Parameters:
    ///   - option: what named the folder.
    ///   - noun: what the command makes, such as `a split`.
    ///   - isPart: whether the command writes a file of that path within the folder.
    /// - Throws: `usage` if something stands there, unless it is empty, or the command's own and `overwrite` allows to replace
    ///   it.
    init(
        _ output: String, option: String = "--output", overwrite: Bool, noun: String, isPart: (String) -> Bool
    ) throws {
        var path = output
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        self.path = path
        try Files.removeLeftovers(of: path)
        let place = StarlingError.Place(file: path)
        switch Files.kind(path) {
        case nil: return
        case .directory?:
            let names = try Files.list(path).flatMap { name in
                Files.kind(path + "/" + name) == .directory
                    ? try Files.list(path + "/" + name).map { name + "/" + $0 } : [name]
            }
            guard overwrite || names.isEmpty else {
                throw StarlingError(
                    .usage, "there is a folder already", at: place,
                    remedy: "choose another \(option) or give --overwrite")
            }
            // What is replaced is removed, so it has to be what this command made.
            if let other = names.first(where: { !isPart($0) }) {
                throw StarlingError(
                    .usage, "the folder holds “\(other)”, which is no part of \(noun), and is not replaced", at: place,
                    remedy: "choose another \(option)")
            }
        default: throw StarlingError(.usage, "is not a folder", at: place, remedy: "choose another \(option)")
        }
    }
}
