import Formats
import Foundation
import Kernels
import Testing

@Suite struct CivilTimeTests {
    private func seconds(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBufferPointer { CivilTime.seconds($0) }
    }

    /// Against the system's own calendar.
    @Test func secondsAreTheSystems() {
        var random = RandomStream(seed: 3, .test)
        for _ in 0..<20_000 {
            // From 1600 to 2400.
            var time = time_t(random.below(25_000_000_000)) - 11_676_096_000
            var parts = tm()
            gmtime_r(&time, &parts)
            func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let day = "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
            #expect(seconds("\(day) \(clock)") == Int64(time) && seconds("\(day)T\(clock).25Z") == Int64(time))
            #expect(seconds(day) == Int64(time) - Int64(parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec))
        }
    }

    @Test func otherTextsAreRefused() {
        for text in [
            "", "2016", "2016-03-1", "2016-3-12", "2016-02-30", "1900-02-29", "2016-00-10", "2016-03-12 22:10",
            "2016-03-12 22:60:00", "2016-03-12x22:10:24", "2016-03-12 22:10:24.", "2016-03-12 22:10:24+02:00",
            "2016-03-12 22:10:2a", "٢٠١٦-03-12",
        ] {
            #expect(seconds(text) == nil, "\(text)")
        }
    }
}
