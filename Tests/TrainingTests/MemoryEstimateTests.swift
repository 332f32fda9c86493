import Basics
import Testing
import Training

@Suite struct MemoryEstimateTests {
    private var estimate: MemoryEstimate {
        var estimate = MemoryEstimate()
        estimate.add("ratings", bytes: 240_000_000)
        estimate.add("factors", bytes: 1_000_000_000)
        return estimate
    }

    @Test func sumsAndPrints() {
        #expect(estimate.total == 1_240_000_000)
        #expect(estimate.line == "1.24 GB: factors 1.00 GB, ratings 240 MB")
        #expect(MemoryEstimate().line == "0 B")
    }

    @Test func refusesWhatCannotFit() throws {
        try estimate.check(available: 1_240_000_000)
        try estimate.check(available: nil)
        let error = failure { try estimate.check(available: 1_239_999_999) }
        #expect(error?.code == .failed)
        #expect(
            error?.what
                == "this needs about 1.24 GB: factors 1.00 GB, ratings 240 MB, and 1.24 GB are available")
    }

    @Test func theLimitLowersWhatIsAvailable() throws {
        #expect(try MemoryEstimate.available(host: 100, limit: "50") == 50)
        #expect(try MemoryEstimate.available(host: 100, limit: "500") == 100)
        #expect(try MemoryEstimate.available(host: nil, limit: "500") == 500)
        #expect(try MemoryEstimate.available(host: 100, limit: "") == 100)
        #expect(failure { _ = try MemoryEstimate.available(host: 100, limit: "2 GB") }?.code == .usage)
    }
}
