import Starling
import Testing

/// The library without the command.
@Suite struct LibraryTests {
    @Test func theReadmesSnippetIsTheOneThatCompiles() throws {
        let folder = Files.parent(#filePath)
        let source = try Files.readText(folder + "/ReadmeSnippet.swift")
        let snippet = source.split(separator: "// begin\n")[1].split(separator: "// end")[0]
        let readme = try Files.readText(folder + "/../../README.md")
        #expect(readme.contains("```swift\n" + snippet + "```"))
        #expect(snippet.split(separator: "\n").count <= 12)
    }

    @Test func theSnippetRuns() throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let file = folder + "/ratings.csv"
        let workers = Workers(threads: 2)
        let ratings = try SyntheticRatings(users: 80, items: 60, interactions: 2000, seed: 3)
        try InteractionWriter.write(ratings.log(workers: workers), to: file)
        try recommend(from: file, to: "1")
    }
}
