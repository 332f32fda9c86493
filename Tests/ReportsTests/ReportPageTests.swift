import Basics
import Reports
import Testing

@Suite struct ReportPageTests {
    @Test func noTextEndsTheElement() throws {
        let json = try JSON.bytes(["title": "</script><script>alert(1)</script> <!-- & é"])
        let page = ReportPage.bytes(of: json, in: Array("<p>{</p><script>/*DATA*/null</script>".utf8))
        #expect(
            String(decoding: page, as: UTF8.self)
                == #"<p>{</p><script>{"title":"\u003c/script>\u003cscript>alert(1)\u003c/script> \u003c!-- & é"}</script>"#
        )
    }

    @Test func thePageHoldsItsData() throws {
        let page = String(
            decoding: try ReportPage.bytes(ReportBuilder(title: "<b>", runs: 1, k: 1).report), as: UTF8.self)
        #expect(page.hasPrefix("<!doctype html>") && !page.contains("/*DATA*/"))
        let parts = page.split(separator: #"type="application/json""#)
        #expect(parts.count == 2)
        let held = try #require(parts.last?.split(separator: "</script>").first)
        let start = try #require(held.firstIndex(of: ">"))
        let data = try JSON.decode(
            JSONValue.self, from: Array(held[held.index(after: start)...].utf8), file: "report.html")
        #expect(data["format"] == 1 && data["title"] == "<b>" && data["runs"] == [])
        // Nothing is loaded: the only address names a kind of XML.
        let addresses = page.split(separator: "http").dropFirst().filter { $0.hasPrefix("://") || $0.hasPrefix("s://") }
        #expect(addresses.allSatisfy { $0.hasPrefix("://www.w3.org/2000/svg") }, "\(addresses.map { $0.prefix(40) })")
    }
}
