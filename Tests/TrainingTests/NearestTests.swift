import Testing
import Training

@Suite struct NearestTests {
    @Test(arguments: [
        ("star wars", "star wars (1977)", 0), ("star warz", "star wars (1977)", 1), ("", "abc", 0), ("abc", "", 3),
        ("kitten", "sitting", 2), ("9999", "199", 2), ("abcd", "xxabxdxx", 1),
    ]) func editsToTheNearestPart(text: String, whole: String, edits: Int) {
        #expect(Nearest.distance(Array(text.utf8), within: Array(whole.utf8)) == edits)
    }

    @Test func nearestFirstThenShorterThenAlphabetical() {
        let titles = ["Fear (1996)", "Star Wars (1977)", "Star Kid (1997)", "Stag (1997)", "STAR WARS II (1980)"]
        #expect(Nearest.find("star wars", count: 2, among: titles) == ["Star Wars (1977)", "STAR WARS II (1980)"])
        #expect(Nearest.find("star warz", count: 1, among: titles) == ["Star Wars (1977)"])
        #expect(Nearest.find("x", count: 9, among: []).isEmpty)
    }
}
