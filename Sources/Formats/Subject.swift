import Basics

/// What a reader is looking at, so that every error about foreign bytes names it: a file and, where it has
/// several, the part.
struct Subject: Sendable {
    let file: String
    /// Such as `tensor “w”`; empty for the file as a whole.
    var part = ""

    /// The bytes are not what the format says.
    func damaged(_ what: String, remedy: String? = nil) -> StarlingError { error(.badData, what, remedy) }

    /// The bytes are sound, but not what the caller needs.
    func unsuitable(_ what: String, remedy: String? = nil) -> StarlingError { error(.failed, what, remedy) }

    private func error(_ code: StarlingError.Code, _ what: String, _ remedy: String?) -> StarlingError {
        StarlingError(code, part.isEmpty ? what : "\(part): \(what)", at: .init(file: file), remedy: remedy)
    }
}

/// Bytes that `shape` elements of `size` bytes take; nil where that overflows. Multiplied from the left, so that
/// `shape.reduce(size, *)` on an accepted shape does not overflow either.
func byteCount(size: Int, shape: [Int]) -> Int? {
    var product = size
    for extent in shape {
        let (next, overflow) = product.multipliedReportingOverflow(by: extent)
        if overflow { return nil }
        product = next
    }
    return product
}
