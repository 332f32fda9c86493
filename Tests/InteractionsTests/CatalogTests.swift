import Basics
import Interactions
import Testing

@Suite struct CatalogTests {
    private func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    private func items(_ bytes: [UInt8]) throws -> ItemCatalog {
        let folder = TemporaryFolder()
        return try ItemCatalog.read(try folder.write("items", bytes))
    }

    private func users(_ text: String) throws -> UserCatalog {
        let folder = TemporaryFolder()
        return try UserCatalog.read(try folder.write("users", text))
    }

    @Test func moviesCSV() throws {
        let text =
            "movieId,title,genres\n1,Toy Story (1995),Adventure|Children\n11,\"American President, The (1995)\",Drama\n7,\"\"\"Great\"\" Amélie\",(no genres listed)\n"
        let catalog = try items(Array(text.utf8))
        #expect(catalog["1"] == .init(title: "Toy Story (1995)", genres: ["Adventure", "Children"]))
        #expect(catalog["11"] == .init(title: "American President, The (1995)", genres: ["Drama"]))
        #expect(catalog["7"] == .init(title: "\"Great\" Amélie", genres: []))
        #expect(catalog["2"] == nil && catalog.entries.count == 3)
    }

    @Test func moviesDAT() throws {
        let catalog = try items(
            latin1("1::Toy Story (1995)::Animation|Children's\n73::Misérables, Les (1995)::Drama\n"))
        #expect(catalog["1"]?.genres == ["Animation", "Children's"])
        #expect(catalog["73"] == .init(title: "Misérables, Les (1995)", genres: ["Drama"]))
    }

    @Test func uItem() throws {
        let flags = { (set: Set<Int>) in (0..<19).map { set.contains($0) ? "1" : "0" }.joined(separator: "|") }
        let catalog = try items(
            latin1("1|Toy Story (1995)|01-Jan-1995||http://x|\(flags([3, 4, 5]))\n2|Été|||u|\(flags([0, 18]))\n"))
        #expect(catalog["1"] == .init(title: "Toy Story (1995)", genres: ["Animation", "Children's", "Comedy"]))
        #expect(catalog["2"] == .init(title: "Été", genres: ["unknown", "Western"]))
        #expect(failure { _ = try items(Array("1|T|d||u|\(flags([])))\n".utf8)) }?.code == .badData)
    }

    @Test func recBoleItems() throws {
        let text =
            "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n1\t\"Toy Story\t1995\tAnimation Comedy\n"
        #expect(
            try items(Array(text.utf8))["1"] == .init(title: "\"Toy Story (1995)", genres: ["Animation", "Comedy"]))
    }

    @Test func wrongItems() {
        #expect(failure { _ = try items(Array("movieId,title,genres\n1,a,b\n1,c,d\n".utf8)) }?.place.line == 3)
        #expect(failure { _ = try items(Array("movieId,title,genres\n\n1,a\n".utf8)) }?.place.line == 3)
        #expect(failure { _ = try items(Array("a,b,c\n1,2,3\n".utf8)) }?.code == .badData)
        #expect(failure { _ = try items([]) }?.code == .badData)
    }

    @Test func userAttributes() throws {
        let ml100k = try users("1|24|M|technician|85711\n2|53|F|other|94043\n")
        #expect(ml100k.attributes == ["age", "gender", "occupation", "zip_code"])
        #expect(ml100k["2"] == ["53", "F", "other", "94043"] && ml100k["1", "occupation"] == "technician")
        let ml1m = try users("1::F::1::10::48067\n")
        #expect(ml1m["1", "gender"] == "F" && ml1m["1", "zip_code"] == "48067" && ml1m["9", "gender"] == nil)
        let typed = try users("age:token\tuser_id:token\n24\tu1\n")
        #expect(typed.attributes == ["age"] && typed["u1"] == ["24"])
        #expect(failure { _ = try users("user_id:token\tage:token\n1\t2\n1\t3\n") }?.place.line == 3)
    }
}
