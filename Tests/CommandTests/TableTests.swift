import StarlingCommand
import Testing

@Suite struct TableTests {
    @Test func alignsNumbersRightAndTextLeft() {
        let table = Table(
            title: "Quality", header: ["metric", "value", "took"],
            rows: [["rmse", "0.9113", "0.3 s"], ["users", "1,234", "12.3 s"], ["coverage@10", "9%", "–"]])
        #expect(
            table.render() == """
                Quality

                metric        value    took
                ───────────  ──────  ──────
                rmse         0.9113   0.3 s
                users         1,234  12.3 s
                coverage@10      9%       –

                """)
    }

    @Test func wideAndCombiningCharacters() {
        let table = Table(rows: [["千と千尋の神隠し", "1"], ["Amélie", "12"], ["Ame\u{301}lie", "123"], ["👩‍👩‍👧", "4"]])
        #expect(
            table.render() == """
                千と千尋の神隠し    1
                Amélie             12
                Ame\u{301}lie            123
                👩‍👩‍👧                  4

                """)
    }

    @Test func cutsTheWidestTextToTheTerminal() {
        let table = Table(
            header: ["item", "title", "score"],
            rows: [["1", "The Good, the Bad and the Ugly", "4.5"], ["22", "Up", "4"]])
        let lines = table.render(width: 30).split(separator: "\n")
        #expect(lines[2] == "   1  The Good, the Ba…    4.5")
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= 30 })
        #expect(Table(rows: [["a"], []]).render() == "a\n\n")
        #expect(Table().render() == "")
    }

    @Test func cuttingNeverSplitsAWideCharacter() {
        #expect(DisplayWidth.cut("千と千尋", to: 8) == "千と千尋")
        #expect(DisplayWidth.cut("千と千尋", to: 7) == "千と千…")
        #expect(DisplayWidth.cut("千と千尋", to: 6) == "千と…")
        #expect(DisplayWidth.cut("abc", to: 0) == "")
    }
}
