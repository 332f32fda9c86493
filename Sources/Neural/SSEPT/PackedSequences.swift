import Torch

/// Sequences of unequal lengths behind one another, without padding: where each begins, and how attention by operators lays
/// them out as a rectangle.
package struct PackedSequences {
    /// `[sequences + 1]`
    package let starts: [UInt32]
    /// A number for each sequence of an epoch's, from which masks of dropout are drawn.
    let firstNumber: Int
    /// What other ranks have of the batch before these.
    let before: (sequences: Int, places: Int)

    var count: Int { starts.count - 1 }
    var places: Int { Int(starts.last!) }

    private var lengths: [Int] { zip(starts, starts.dropFirst()).map { Int($1 - $0) } }
    var longest: Int { lengths.max() ?? 0 }

    /// The last place of each sequence.
    var lastPlaces: [Int64] { starts.dropFirst().map { Int64($0) - 1 } }

    /// Rows of a rectangle `[sequences × longest]` that are behind a sequence's end hold a place of another sequence: under a
    /// causal mask no place looks there.
    struct Rectangle {
        let longest: Int
        /// `[sequences · longest]`: places.
        let padded: Tensor
        /// `[places]`: rows of the rectangle.
        let packed: Tensor
    }

    func rectangle(on device: Device) throws -> Rectangle {
        let (lengths, longest) = (lengths, longest)
        var padded = [Int64](repeating: 0, count: count * longest)
        var packed: [Int64] = []
        packed.reserveCapacity(places)
        for (sequence, length) in lengths.enumerated() {
            for place in 0..<length {
                padded[sequence * longest + place] = Int64(Int(starts[sequence]) + place)
                packed.append(Int64(sequence * longest + place))
            }
        }
        return Rectangle(
            longest: longest, padded: try .indices(padded, on: device),
            packed: try .indices(packed, on: device))
    }
}
