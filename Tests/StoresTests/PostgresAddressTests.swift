import Stores
import Testing

@Suite struct PostgresAddressTests {
    @Test(arguments: [
        (
            "postgres://me:pa%40ss@host:5433/db?table=public.ratings&sslmode=require",
            "postgres://me:pa%40ss@host:5433/db?sslmode=require",
            "postgres://me@host:5433/db?sslmode=require&table=public.ratings", "public.ratings"
        ),
        ("postgresql://host/db", "postgresql://host/db", "postgresql://host/db", nil),
        (
            "postgres:///db?password=pa%40ss&table=my%20t", "postgres:///db?password=pa%40ss",
            "postgres:///db?table=my t", "my t"
        ),
    ])
    func partsAreFound(_ text: String, _ connection: String, _ shown: String, _ table: String?) throws {
        let address = try PostgresAddress(text)
        #expect(
            address.connection.hasPrefix(connection) && address.connection.contains("tcp_user_timeout=60000")
                && address.shown == shown && address.table == table, "\(address)")
    }

    /// What libpq and we might take apart differently is refused, without a word of it.
    @Test(arguments: ["me:pa/ss@host/db", "me:pa?ss@host/db", "me:p@ss@host/db", "me:pa#ss@host", "host/db?pass"])
    func unclearAddressesAreRefused(_ rest: String) {
        #expect {
            try PostgresAddress("postgres://" + rest)
        } throws: { error in
            !"\(error)".contains("ss@") && !"\(error)".contains("pass@") && "\(error)".contains("percent-encode")
        }
    }

    @Test func secretsAreTakenOutOfMessages() throws {
        let address = try PostgresAddress("postgres://me:pa%40ss@host/db?sslpassword=other")
        #expect(address.harmless("no pa@ss or pa%40ss, other word") == "no *** or ***, *** word")
        #expect(throws: (any Error).self) { try PostgresAddress("mysql://x") }
    }
}
