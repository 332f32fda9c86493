import Starling

/// Brings what was typed to the spelling that options are declared with, before they are parsed.
///
/// - Option names are matched without regard to case, `-` and `_`: `--batchSize`, `--batch_size` and `--batchsize`
///   are `--batch-size`.
/// - One of the Vertex trainer's own flags in its own spelling (`--ratings_csv`, `--batchsize`, …) selects
///   `--preset vertex`.
/// - `--config FILE.json` is replaced by the options that the file names, placed before the typed ones so that
///   those win; `train … --resume` reads the run's own the same way.
package enum Spelling {
    /// Every option name of more than one word; a test holds this list against the commands.
    package static let names = [
        "all-users", "batch-size", "bias-regularization", "block-size", "burn-in", "cg-steps", "checkpoint-every",
        "clip-grad", "cold-start", "early-stopping", "feed-forward", "embedding-learning-rate", "embedding-optimizer",
        "gradient-accumulation", "id-dropout",
        "import-table", "include-seen", "init-from", "init-stddev", "item-buckets", "item-column", "item-table",
        "keep-best", "keep-samples",
        "label-threshold",
        "learning-rate", "learning-rate-decay", "max-length", "max-restarts", "memory-limit", "min-improvement",
        "min-item", "min-user",
        "mlflow-uri", "movie-export-table",
        "negative-sampling", "no-biases", "part-size", "ratings-csv", "register-model", "regularization-exponent",
        "relevant-from",
        "replace-items", "replace-users", "run-name", "sample-windows",
        "size-limit",
        "skip-bad-rows", "solve-precision", "supabase-key", "supabase-key-file", "supabase-url", "unobserved-weight",
        "use-cuda",
        "user-attributes", "user-buckets", "user-column", "user-dim", "user-export-table", "user-table", "users-from",
        "val-size", "weight-decay",
        "with-history",
    ]

    /// The multi-word flags of the Vertex trainer.
    static let vertex: Set<String> = [
        "ratings-csv", "val-size", "batch-size", "weight-decay", "clip-grad", "use-cuda", "supabase-url",
        "supabase-key", "import-table", "movie-export-table", "user-export-table",
    ]

    static func expand(_ typed: [String]) throws -> [String] {
        var isVertex = false
        var arguments: [String] = []
        for (index, argument) in typed.enumerated() {
            if argument == "--" {
                arguments += typed[index...]
                break
            }
            let (canonical, isVertexSpelling) = option(argument)
            isVertex = isVertex || isVertexSpelling
            arguments.append(canonical)
        }
        guard let verb = arguments.firstIndex(of: "train"), verb == 0, arguments.count > 1 else { return arguments }
        var inserted: [String] = []
        if isVertex && arguments[1] == "mf" && !arguments.contains("--preset") { inserted = ["--preset", "vertex"] }
        if let file = value(of: "--config", in: &arguments) {
            inserted += try Configuration.arguments(from: file, unless: arguments)
        }
        if arguments.contains("--resume"), let run = peek("--output", in: arguments) {
            inserted += try Configuration.arguments(ofRun: run, unless: arguments)
        }
        arguments.insert(contentsOf: inserted, at: 2)
        return arguments
    }

    /// The declared spelling of one argument, and whether it was spelt as only the Vertex trainer spells it.
    package static func option(_ argument: String) -> (String, isVertex: Bool) {
        guard argument.hasPrefix("--"), argument.count > 2 else { return (argument, false) }
        let body = argument.dropFirst(2)
        let name = String(body.prefix { $0 != "=" })
        let key = squeezed(name)
        guard let canonical = table[key] else {
            // A single word: only its case can differ. Unknown names are left for the parser to refuse.
            return (key == name.lowercased() ? "--" + key + body.dropFirst(name.count) : argument, false)
        }
        let isOwn = vertex.contains(canonical) && (name.lowercased() != canonical || canonical == "ratings-csv")
        return ("--" + canonical + body.dropFirst(name.count), isOwn)
    }

    private static let table = Dictionary(uniqueKeysWithValues: names.map { (squeezed($0), $0) })

    private static func squeezed(_ name: String) -> String {
        String(name.lowercased().filter { $0 != "-" && $0 != "_" })
    }

    /// The file that `--config` names, if any.
    static func configurationFile(in arguments: [String]) -> String? { peek("--config", in: arguments) }

    /// Takes `name VALUE` or `name=VALUE` out of the arguments.
    private static func value(of name: String, in arguments: inout [String]) -> String? {
        guard let found = peek(name, in: arguments) else { return nil }
        let index = arguments.firstIndex { $0 == name || $0.hasPrefix(name + "=") }!
        arguments.removeSubrange(index..<index + (arguments[index] == name ? 2 : 1))
        return found
    }

    private static func peek(_ name: String, in arguments: [String]) -> String? {
        for (index, argument) in arguments.enumerated() {
            if argument.hasPrefix(name + "=") { return String(argument.dropFirst(name.count + 1)) }
            if argument == name { return index + 1 < arguments.count ? arguments[index + 1] : nil }
        }
        return nil
    }
}
