import AsyncHTTPClient
import Basics
import NIOCore
import NIOSSL

/// The one HTTP client of the process. It lives as long as the process, with its connections, and is never shut down.
enum WebClient {
    static let shared: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        var security = TLSConfiguration.makeClientConfiguration()
        if let certificates { security.trustRoots = .file(certificates) }
        // As MLflow's own client names an authority, which here is trusted besides the others.
        if let more = Host.variable("MLFLOW_TRACKING_SERVER_CERT_PATH") {
            security.additionalTrustRoots = [.file(more)]
        }
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
        ["AWS_CA_BUNDLE", "SSL_CERT_FILE"].lazy.compactMap(Host.variable).first
    }
}
