extension LogStatistics {
    /// The spread of values. Keys: `minimum`, `maximum`, `mean`, `standard_deviation`, `histogram`.
    public struct Values: Sendable, Encodable {
        public let minimum: Float
        public let maximum: Float
        public let mean: Double
        /// Of the population (divided by n).
        public let standardDeviation: Double
        /// One bin a distinct value if there are at most 20, otherwise ten of equal width; rising.
        public let histogram: [Bin]

        /// Values within `from..<to`; the last bin holds `to` as well, and `from == to` is one value alone.
        public struct Bin: Sendable, Encodable, Equatable {
            public let from: Double
            public let to: Double
            public let count: Int
        }

        /// - Precondition: there are values, all finite.
        init(_ values: [Float]) {
            var (sum, low, high) = (0.0, values[0], values[0])
            for value in values {
                sum += Double(value)
                low = min(low, value)
                high = max(high, value)
            }
            let mean = sum / Double(values.count)
            var squares = 0.0
            for value in values { squares += (Double(value) - mean) * (Double(value) - mean) }
            minimum = low
            maximum = high
            self.mean = mean
            standardDeviation = (squares / Double(values.count)).squareRoot()
            histogram = Self.distinct(values) ?? Self.binned(values, Double(low), Double(high))
        }

        /// A bin for each distinct value, or nil if there are more than 20.
        private static func distinct(_ values: [Float]) -> [Bin]? {
            var seen: [(value: Float, count: Int)] = []
            for value in values {
                if let place = seen.firstIndex(where: { $0.value == value }) {
                    seen[place].count += 1
                } else if seen.count < 20 {
                    seen.append((value, 1))
                } else {
                    return nil
                }
            }
            return seen.sorted { $0.value < $1.value }
                .map { Bin(from: Double($0.value), to: Double($0.value), count: $0.count) }
        }

        private static func binned(_ values: [Float], _ low: Double, _ high: Double) -> [Bin] {
            var counts = [Int](repeating: 0, count: 10)
            let width = (high - low) / 10
            for value in values { counts[min(9, Int((Double(value) - low) / width))] += 1 }
            return (0..<10).map { bin in
                Bin(
                    from: low + Double(bin) * width, to: bin == 9 ? high : low + Double(bin + 1) * width,
                    count: counts[bin])
            }
        }

        private enum CodingKeys: String, CodingKey {
            case minimum, maximum, mean, histogram
            case standardDeviation = "standard_deviation"
        }
    }
}
