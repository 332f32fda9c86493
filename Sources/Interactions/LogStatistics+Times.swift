#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension LogStatistics {
    /// From the oldest to the newest interaction. Keys: `first`, `last`, `unit`, and for epoch times `first_date`
    /// and `last_date` (ISO 8601, UTC).
    public struct TimeRange: Sendable, Encodable {
        public enum Unit: String, Sendable, Encodable {
            case seconds, milliseconds
            /// Not a time since 1970 by the look of it: a position, a year, a count.
            case unknown
        }

        public let first: Int64
        public let last: Int64
        /// What the times count since 1970, if both ends lie between 1980 and 2100.
        public let unit: Unit
        public let firstDate: String?
        public let lastDate: String?

        /// - Precondition: there are times.
        init(_ times: [Int64]) {
            let (first, last) = (times.min()!, times.max()!)
            let plausible: ClosedRange<Int64> = 315_532_800...4_102_444_800
            let unit: Unit
            if plausible.contains(first) && plausible.contains(last) {
                unit = .seconds
            } else if plausible.contains(first / 1000) && plausible.contains(last / 1000) {
                unit = .milliseconds
            } else {
                unit = .unknown
            }
            func date(_ time: Int64) -> String? {
                guard unit != .unknown else { return nil }
                let seconds = unit == .seconds ? time : time / 1000
                return Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
            }
            self.first = first
            self.last = last
            self.unit = unit
            firstDate = date(first)
            lastDate = date(last)
        }

        private enum CodingKeys: String, CodingKey {
            case first, last, unit
            case firstDate = "first_date"
            case lastDate = "last_date"
        }
    }
}
