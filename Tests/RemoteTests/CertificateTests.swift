import Basics
import Formats
import Foundation
import Remote
import Testing

@Suite(Server.hasOpenSSL)
struct CertificateTests {
    private let scratch = try! Scratch()

    private func address() throws -> String {
        try Server.secure.get().address.replacingOccurrences(of: "http:", with: "https:") + "/x"
    }

    @Test func aServerThatNobodyVouchesForIsRefused() throws {
        // Once: trying again is no use.
        expectError("could not be fetched or sent: the server's certificate is not trusted", "SSL_CERT_FILE") {
            _ = try scratch.open(address(), options: RemoteOptions()).bytes("file")
        }
    }

    /// Certificates are read once a process, so it takes another.
    @Test(arguments: ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
    func unlessItsCertificateIsNamed(_ variable: String) async throws {
        let certificate = try #require(Server.secure.get().facts["certificate"]?.string)
        let (address, cache) = (try address(), scratch.cacheFolder)
        await #expect(processExitsWith: .success) {
            [
                variable = variable as String, certificate = certificate as String, address = address as String,
                cache = cache as String
            ] in
            unsetenv("AWS_CA_BUNDLE")
            setenv(variable, certificate, 1)
            #expect(throws: Never.self) {
                let store = try ShardStores.open(address, cache: ShardCache(folder: cache, limit: 1_000_000))
                #expect(try store.bytes("file") == Array("0123456789".utf8))
            }
        }
    }
}
