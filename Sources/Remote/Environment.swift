import Basics

/// Variables of the environment; empty ones count as not set.
package struct Environment: Sendable {
    private let value: @Sendable (String) -> String?

    /// Only these.
    package init(_ variables: [String: String]) { value = { variables[$0] } }

    private init(_ value: @escaping @Sendable (String) -> String?) { self.value = value }

    /// This process's.
    package static let process = Environment(Host.variable)

    package subscript(_ name: String) -> String? {
        value(name).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The first of several that is set.
    func first(_ names: String...) -> String? { names.lazy.compactMap { self[$0] }.first }
}
