package import Basics

/// A refusal in the server's own terms: the cause of the error that a ``WebServer`` makes of it.
package struct ServerRefusal: Error, CustomStringConvertible {
    package let status: Int
    /// The server's name for it, such as `42P01` or `RESOURCE_DOES_NOT_EXIST`.
    package let code: String?

    package init(status: Int, code: String?) { (self.status, self.code) = (status, code) }

    package var description: String { "\(status)" + (code.map { ", \($0)" } ?? "") }
}

extension StarlingError {
    /// What a server answered, where that is the cause.
    package var refusal: ServerRefusal? { cause as? ServerRefusal }
}
