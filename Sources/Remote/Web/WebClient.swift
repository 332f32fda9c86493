import AsyncHTTPClient
import Basics
import NIOCore
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The one HTTP client of the process. It lives as long as the process, with its connections, and is never shut down.
enum WebClient {
    static let shared: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        var security = TLSConfiguration.makeClientConfiguration()
        if let certificates { security.trustRoots = .file(certificates) }
        configuration.tlsConfiguration = security
        // Redirects and retries are decided where the request is known; see WebSession.
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        configuration.timeout = .init(connect: .seconds(15))
        // Object stores speak HTTP/1.1; shards come faster over connections of their own.
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    /// A file of certificates to trust in place of the system's, for servers with an authority of their own.
    private static var certificates: String? {
        for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
            if let value = getenv(name), value.pointee != 0 { return String(cString: value) }
        }
        return nil
    }
}
