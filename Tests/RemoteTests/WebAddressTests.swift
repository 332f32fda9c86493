import Basics
import Remote
import Testing

struct WebAddressTests {
    @Test func parts() throws {
        let address = try WebAddress("HTTPS://Host.example:8443/a b/%C3%A9?sig=x%2Fy#part")
        #expect(address.text == "https://host.example:8443/a%20b/%C3%A9?sig=x%2Fy")
        #expect(address.shown == "https://host.example:8443/a%20b/%C3%A9")
        #expect(
            address.appending("c+d/e%.mds").text == "https://host.example:8443/a%20b/%C3%A9/c%2Bd/e%25.mds?sig=x%2Fy")
        #expect(try WebAddress("http://h:80").text == "http://h/")
    }

    @Test func redirects() throws {
        let address = try WebAddress("https://host.example/a?x=1")
        #expect(address.redirected(to: "/b")?.text == "https://host.example/b")
        #expect(address.redirected(to: "//other.example/b")?.text == "https://other.example/b")
        #expect(address.redirected(to: "https://other.example/b?y=2")?.text == "https://other.example/b?y=2")
        #expect(address.redirected(to: "http://host.example/b") == nil)
        #expect(address.redirected(to: "file:///etc/passwd") == nil)
    }

    @Test(arguments: [
        "ftp://h", "https://", "https://user:secret@h/", "https://h:0/", "https://h:x/", "https://h o/", "h/a",
    ])
    func refused(_ text: String) { expectError(code: .usage) { _ = try WebAddress(text) } }

    @Test func retryAfter() throws {
        #expect(WebSession.seconds("7") == 7)
        #expect(try #require(WebSession.seconds("Wed, 21 Oct 2099 07:28:00 GMT")) > 1e9)
        #expect(WebSession.seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0)
        #expect(WebSession.seconds("soon") == nil && WebSession.seconds("-1") == nil)
    }
}
