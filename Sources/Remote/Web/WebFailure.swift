import AsyncHTTPClient
import Basics
import NIOCore
import NIOPosix
import NIOSSL

/// A request that came to no usable answer, for a reason that may pass.
struct WebFailure: Error, CustomStringConvertible {
    /// Says nothing of addresses or headers.
    let description: String
    /// What to do, where trying again cannot help.
    var remedy: String?
    /// How many seconds the server asked to wait.
    var wait: Double?
    /// Bytes arrived that need not be asked for again.
    var hasProgressed = false

    init(_ description: String, wait: Double? = nil, remedy: String? = nil) {
        (self.description, self.wait, self.remedy) = (description, wait, remedy)
    }

    init(_ error: any Error) {
        switch error {
        case let failure as WebFailure: self = failure
        case let error as HTTPClientError: description = error.shortDescription
        case let error as NIOConnectionError:
            let reason = error.connectionErrors.first.map { WebFailure.reason($0.error) }
            description = reason ?? "the server's name is not known"
        case let error as IOError: description = WebFailure.reason(error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            let isUntrusted = "\(error)".contains("CERTIFICATE") || error is NIOSSLExtraError
            description = isUntrusted ? "the server's certificate is not trusted" : "the secure connection failed"
            if isUntrusted {
                remedy = "check the address; for an authority of your own name its certificates with SSL_CERT_FILE"
            }
        default: description = "\(type(of: error))"
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else {
            return error is ChannelError ? "no connection in time" : "no connection"
        }
        return String(cString: strerror(error.errnoCode))
    }
}
