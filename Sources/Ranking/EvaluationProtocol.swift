/// How ranking figures came about. Printed and stored beside every one of them.
public struct EvaluationProtocol: Encodable, Sendable, Equatable {
    /// Which part was held out, in the words of `--split`: `random:0.1`, `last:1`.
    public var split: String
    public var candidates: Candidates
    /// Whether items of the user's training history were taken out of the ranking.
    public var filterSeen: Bool

    /// What the relevant items were ranked among.
    public enum Candidates: Encodable, Sendable, Equatable {
        /// All items that may be recommended. Encodes as `"all"`.
        case all
        /// So many random items that the user had nothing to do with. Encodes as the number.
        case negatives(Int)

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .all: try container.encode("all")
            case .negatives(let count): try container.encode(count)
            }
        }
    }

    public init(split: String, candidates: Candidates = .all, filterSeen: Bool = true) {
        self.split = split
        self.candidates = candidates
        self.filterSeen = filterSeen
    }

    private enum CodingKeys: String, CodingKey {
        case split, candidates
        case filterSeen = "filter_seen"
    }
}
