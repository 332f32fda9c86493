import Basics

/// The page: one file of HTML that shows the JSON in it and asks nothing of the network.
package enum ReportPage {
    /// What stands in the template where the JSON goes, once.
    private static let mark = Array("/*DATA*/null".utf8)

    /// - Throws: the encoder's error, for NaN and infinities among others.
    package static func bytes(_ report: Report) throws -> [UInt8] {
        try bytes(of: JSON.bytes(report), in: PackageResources.template_html)
    }

    /// The template with the JSON in the place of the mark.
    ///
    /// - Precondition: the template has the mark.
    package static func bytes(of json: [UInt8], in template: [UInt8]) -> [UInt8] {
        let place = template.indices.first { template[$0...].starts(with: mark) }!
        // Outside of strings JSON has no “<”, and within them no text must end the element that it stands in.
        let escaped = json.flatMap { $0 == UInt8(ascii: "<") ? Array(#"\u003c"#.utf8) : [$0] }
        return template[..<place] + escaped + template[(place + mark.count)...]
    }
}
