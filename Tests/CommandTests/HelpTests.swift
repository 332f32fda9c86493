import Foundation
import StarlingCommand
import Testing

/// What every command says of itself, and how options may be spelt.
@Suite struct HelpTests {
    /// Every command with its words, and all it declares, from the parser's own dump.
    static func commands() throws -> [(words: [String], help: [String: Any])] {
        let dump = try starling(["--experimental-dump-help"])
        let root = try #require(try JSONSerialization.jsonObject(with: Data(dump.output.utf8)) as? [String: Any])
        func walk(_ command: [String: Any], _ words: [String]) -> [(words: [String], help: [String: Any])] {
            let children = (command["subcommands"] as? [[String: Any]] ?? []).filter {
                $0["commandName"] as? String != "help"
            }
            return [(words, command)]
                + children.flatMap { walk($0, words + [$0["commandName"] as? String ?? ""]) }
        }
        return walk(try #require(root["command"] as? [String: Any]), [])
    }

    @Test func everyCommandHasAnExampleAndFullSentences() throws {
        let commands = try Self.commands()
        #expect(commands.count >= 13)
        for (words, help) in commands {
            let name = words.joined(separator: " ")
            #expect((help["discussion"] as? String)?.contains("starling ") == true, "\(name): no example")
            #expect((help["abstract"] as? String)?.hasSuffix(".") == true, "\(name): no full sentence")
            for argument in help["arguments"] as? [[String: Any]] ?? [] {
                let text = argument["abstract"] as? String ?? ""
                #expect(text.first?.isUppercase == true && text.hasSuffix("."), "\(name): \(text)")
            }
        }
    }

    @Test func everyNameOfSeveralWordsIsInTheSpellingTable() throws {
        var declared: Set<String> = []
        for (_, help) in try Self.commands() {
            for argument in help["arguments"] as? [[String: Any]] ?? [] {
                for name in argument["names"] as? [[String: Any]] ?? [] where name["kind"] as? String == "long" {
                    let text = name["name"] as? String ?? ""
                    if text.contains("-") { declared.insert(text) }
                }
            }
        }
        #expect(declared == Set(Spelling.names), "\(declared.symmetricDifference(Spelling.names))")
    }

    @Test(arguments: [
        ("--batch_size", "--batch-size", true), ("--batchsize", "--batch-size", true),
        ("--BatchSize=5", "--batch-size=5", true), ("--batch-size", "--batch-size", false),
        ("--BATCH-SIZE", "--batch-size", false), ("--ratings-csv=x_Y", "--ratings-csv=x_Y", true),
        ("--learning_rate", "--learning-rate", false), ("--Factors", "--factors", false), ("--lr", "--lr", false),
        ("--facters", "--facters", false), ("x_y", "x_y", false), ("-x", "-x", false), ("--", "--", false),
    ]) func spellings(typed: String, canonical: String, isVertex: Bool) {
        let option = Spelling.option(typed)
        #expect(option.0 == canonical && option.isVertex == isVertex)
    }
}
