import Starling

/// Options as a JSON object, the way `run.json` keeps them under `configuration`: option name to value.
enum Configuration {
    /// The arguments that a configuration file stands for. `FILE` holds such an object, or a whole `run.json`.
    ///
    /// - Throws: `usage` if it cannot be read or is no such object. Unknown names are refused by the parser, which
    ///   names the nearest.
    static func arguments(from file: String, unless typed: [String]) throws -> [String] {
        let value: JSONValue
        do {
            value = try JSON.decode(JSONValue.self, from: try Files.read(file), file: file)
        } catch let error as StarlingError {
            throw StarlingError(.usage, error.what, at: error.place, remedy: "--config takes a JSON object of options")
        }
        guard case .object(let members) = value["configuration"] ?? value else {
            throw StarlingError(
                .usage, "is not an object of options", at: .init(file: file),
                remedy: #"write {"factors": 64, "epochs": 20}"#)
        }
        return try arguments(for: members, unless: typed, file: file)
    }

    /// The options of an existing run, so that `--resume` need not repeat them; none where there is no run.
    static func arguments(ofRun path: String, unless typed: [String]) throws -> [String] {
        guard Files.kind(path + "/run.json") == .file else { return [] }
        let run = try RunDirectory(reading: path)
        // The stored values are final ones: a preset or an optimiser has already had its say.
        return try arguments(for: run.record.configuration, unless: typed, file: path + "/run.json")
    }

    /// The line that trains a run again into the same folder, every option in its final value.
    ///
    /// - Throws: `usage` if a stored value is no option's.
    static func command(ofRun run: RunDirectory) throws -> String {
        let record = run.record
        var options = record.configuration
        let data = try arguments(
            for: options.filter { $0.key == "data" }, unless: [], file: run.path + "/run.json")
        options["data"] = nil
        var arguments = ["starling", "train", record.model] + data
        arguments += try Self.arguments(for: options, unless: [], file: run.path + "/run.json")
        // The bits of others do not depend on it.
        if [TwoTowerFlags.model, SSEPTFlags.model].contains(record.model), let threads = record.summary?["threads"]?.int
        {
            arguments += ["--threads", String(threads)]
        }
        return Shell.line(arguments + ["--output", run.path])
    }

    private static func arguments(
        for stored: [String: JSONValue], unless typed: [String], file: String
    ) throws -> [String] {
        var members = stored
        // One way of splitting replaces the other, so a typed one must not meet the stored other one.
        if typed.contains(where: { $0.hasPrefix("--split") || $0.hasPrefix("--val-size") }) {
            members["split"] = nil
            members["val-size"] = nil
        }
        return try members.sorted { $0.key < $1.key }.flatMap { name, value -> [String] in
            let option = Spelling.option("--" + name).0
            switch value {
            case .null,
                .bool(false) where name != "biases":
                return []
            case .bool(false): return ["--no-biases"]
            case .bool(true): return name == "biases" ? [] : [option]
            case .string(let text): return [option, text]
            case .integer(let number): return [option, String(number)]
            case .number(let number): return [option, "\(number)"]
            case .array, .object:
                throw StarlingError(
                    .usage, "the value of “\(name)” is not a number, a text or true or false", at: .init(file: file))
            }
        }
    }
}
