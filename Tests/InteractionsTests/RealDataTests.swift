import Basics
import Interactions
import Kernels
import Testing

/// The public data sets, where the environment variable `STARLING_DATA` names the folder that holds theirs.
@Suite struct RealDataTests {
    @Test(arguments: [
        ("ml-100k", 100_000, 943, 1682), ("ml-1m/ratings_with_time_rank.tsv", 1_000_209, 6040, 3706),
        ("ml-latest-small", 100_836, 610, 9724), ("ml-1m-sasrec/ml-1m.txt", 999_611, 6040, 3416),
        ("lightgcn-yelp2018/train.txt", 1_237_259, 31_668, 38_048),
        ("learning-from-sets/set_ratings.csv", 5 * 29_516, 854, 12_549),
    ])
    func counts(source: String, interactions: Int, users: Int, items: Int) throws {
        guard let folder = environment("STARLING_DATA"), Files.exists(folder + "/" + source) else {
            print("skipped \(source): STARLING_DATA names no folder that holds it")
            return
        }
        let loaded = try InteractionReader.read(
            folder + "/" + source, options: ReadingOptions(), workers: Workers(threads: 2))
        #expect(loaded.log.count == interactions)
        #expect(loaded.log.users.count == users)
        #expect(loaded.log.items.count == items)
        print(loaded.report.lines().joined(separator: "\n"))
    }

    @Test func catalogs() throws {
        guard let folder = environment("STARLING_DATA") else {
            print("skipped catalogs: STARLING_DATA names no folder")
            return
        }
        for (name, count) in [
            ("ml-100k/u.item", 1682), ("ml-1m/movies.dat", 3883), ("ml-latest-small/movies.csv", 9742),
        ] {
            guard Files.exists(folder + "/" + name) else { continue }
            let catalog = try ItemCatalog.read(folder + "/" + name)
            #expect(catalog.entries.count == count && catalog["1"]?.title == "Toy Story (1995)")
        }
        for (name, count) in [("ml-100k/u.user", 943), ("ml-1m/users.dat", 6040)]
        where Files.exists(folder + "/" + name) {
            #expect(try UserCatalog.read(folder + "/" + name).values.count == count)
        }
    }
}
