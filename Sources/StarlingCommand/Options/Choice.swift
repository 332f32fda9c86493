import Starling

/// The value of an option that takes one of some words.
///
/// - Throws: `usage` listing them.
func choice<Value: RawRepresentable<String> & CaseIterable>(_ option: String, _ text: String) throws -> Value {
    guard let value = Value(rawValue: text.lowercased()) else {
        throw StarlingError(
            .usage, "“\(text)” is none of \(option)'s",
            remedy: "use " + Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
}
