import ArgumentParser
import Starling

struct SimilarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "similar",
        abstract: "Shows the items most like one, by the cosine of their vectors.",
        discussion: """
            The item is named by its id or by its title, whose case does not matter. Examples:

              starling similar runs/first --item 50
              starling similar runs/first --item "star wars (1977)" --count 5
            """)

    @OptionGroup var use: UseFlags

    @Option(help: ArgumentHelp("Compare with this item.", valueName: "id or title"))
    var item: String

    @Option(help: ArgumentHelp("Show this many items.", valueName: "n"))
    var count: Int = 10

    func run() throws {
        try requirePositive(count, "--count")
        let recommender = try use.recommender()
        let id = recommender.items[try recommender.itemRow(item)]
        let items = try recommender.similar(to: id, count: count)
        if use.json {
            struct Answer: Encodable {
                let item: String
                let title: String?
                let items: [Recommender.Item]
            }
            let answer = Answer(item: id, title: recommender.catalog?[id]?.title, items: items)
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        let name = recommender.catalog?[id]?.title ?? "item \(id)"
        FileHandles.standardOutput(ItemTable.render(items, title: "Similar to \(name)", value: "cosine"))
    }
}
