import Foundation
import Interactions
import Testing

@Suite struct TimestampTests {
    private func seconds(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { Timestamp.seconds($0) }
    }

    @Test func readsWhatDatabasesWrite() {
        #expect(seconds("1970-01-01") == 0)
        #expect(seconds("2001-09-09 01:46:40") == 1_000_000_000)
        #expect(seconds("2001-09-09T01:46:40.75Z") == 1_000_000_000)
        #expect(seconds("2001-09-09T03:46:40+02:00") == 1_000_000_000)
        #expect(seconds("2001-09-08 20:16:40.5-0530") == 1_000_000_000)
        #expect(seconds("2001-09-09 03:46:40+02") == 1_000_000_000)
        for wrong in ["", "2001", "2001-13-01", "2001-09-09x", "2001-09-09 25:00:00", "2001-09-09 01:46:40+", "soon"] {
            #expect(seconds(wrong) == nil, "\(wrong)")
        }
    }

    /// The calendar is Foundation's.
    @Test func daysAreFoundations() {
        let formatter = ISO8601DateFormatter()
        for day in stride(from: -140_000, to: 400_000, by: 997) {
            let time = Int64(day) * 86_400 + 12_345
            #expect(seconds(formatter.string(from: Date(timeIntervalSince1970: Double(time)))) == time)
        }
    }
}
