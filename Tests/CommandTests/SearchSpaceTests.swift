import Basics
import StarlingCommand
import Testing

@Suite struct SearchSpaceTests {
    private static func space(_ ranges: [String], _ choices: [String] = []) throws -> SearchSpace {
        try SearchSpace(ranges: ranges, choices: choices)
    }

    private static func numbers(_ range: String, _ count: Int) throws -> [Double] {
        let space = try space([range])
        return (1...count).map { Double(space.draw(trial: $0, seed: 3)[0].text)! }
    }

    @Test func takesEverySpellingOfANameAndKeepsOrder() throws {
        let space = try Self.space(["learning_rate=0.01..0.1:log", "Factors=8..64"], ["optimizer=sgd,adam"])
        #expect(space.dimensions.map(\.name) == ["factors", "learning-rate", "optimizer"])
        #expect(space.dimensions[0].values == .range(8...64, isWhole: true, isLogarithmic: false))
        #expect(space.dimensions[1].values == .range(0.01...0.1, isWhole: false, isLogarithmic: true))
        #expect(try space == Self.space(["factors=8..64", "--learning-rate=0.01..0.1:log"], ["optimizer=sgd,adam"]))
    }

    @Test(arguments: [
        "factors", "factors=", "=1..2", "factors=1", "factors=2..1", "factors=a..b", "factors=0..8:log",
        "factors=-1..8:log", "factors=1..inf", "factors=1..2:lag", "factors=nan..2",
    ]) func refusesOtherForms(range: String) {
        #expect { try Self.space([range]) } throws: { ($0 as? StarlingError)?.code == .usage }
    }

    @Test func refusesEmptyChoicesAndNamesTwice() {
        for choice in ["solver", "solver=", "solver=a,,b"] {
            #expect { try Self.space([], [choice]) } throws: { ($0 as? StarlingError)?.code == .usage }
        }
        #expect { try Self.space(["alpha=1..2"], ["alpha=3,4"]) } throws: { ($0 as? StarlingError)?.code == .usage }
    }

    /// Every whole number comes, about equally often; the logarithm is even where that is asked for.
    @Test func drawsWhatTheRangeSays() throws {
        let whole = try Self.numbers("factors=3..7", 5000)
        let counts = Dictionary(whole.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.keys.sorted() == [3, 4, 5, 6, 7] && counts.values.allSatisfy { 850...1150 ~= $0 })
        let logarithmic = try Self.numbers("factors=1..1024:log", 5000)
        #expect(logarithmic.allSatisfy { 1...1024 ~= $0 && $0 == $0.rounded() })
        #expect(2300...2700 ~= logarithmic.count { $0 < 32 })
        let real = try Self.numbers("alpha=0..1", 5000)
        #expect(real.allSatisfy { 0...1 ~= $0 })
        #expect(try Self.numbers("alpha=0.0..1", 5000).contains { $0 != $0.rounded() })
        let small = try Self.numbers("alpha=1e-6..1e-2:log", 5000)
        #expect(small.allSatisfy { 1e-6...1e-2 ~= $0 } && 2300...2700 ~= small.count { $0 < 1e-4 })
        // Four digits, and whatever the size the same number when read again.
        #expect(small.allSatisfy { "\($0)".filter(\.isNumber).count <= 10 })
    }

    @Test func aTrialDependsOnItsNumberAndTheSeedAlone() throws {
        let one = try Self.space(["factors=8..64:log", "alpha=0.1..1"], ["solver=a,b,c"])
        let other = try Self.space(["alpha=0.1..1", "factors=8..64:log"], ["solver=a,b,c"])
        for trial in 1...50 {
            let drawn = one.draw(trial: trial, seed: 7).map { [$0.name, $0.text] }
            #expect(drawn == other.draw(trial: trial, seed: 7).map { [$0.name, $0.text] })
            #expect(drawn != one.draw(trial: trial, seed: 8).map { [$0.name, $0.text] })
            #expect(drawn != one.draw(trial: trial + 1, seed: 7).map { [$0.name, $0.text] })
        }
    }

    @Test func choicesAloneNeverRepeat() throws {
        let space = try Self.space([], ["solver=a,b,c", "alpha=1,2", "steps=3,5,7,9"])
        #expect(space.combinations == 24)
        #expect(Set((1...24).map { space.draw(trial: $0, seed: 5).map(\.text) }).count == 24)
        #expect(
            (1...24).map { space.draw(trial: $0, seed: 5)[0].text }
                != (1...24).map { space.draw(trial: $0, seed: 6)[0].text })
        #expect(try Self.space(["rate=0..1"], ["solver=a,b"]).combinations == nil)
    }

    @Test func rungs() {
        let full = Halving(trials: 27, epochs: 27)
        #expect((0...full.eliminations).map { full.epochs(of: 27, rung: $0) } == [1, 3, 9, 27])
        #expect((0...full.eliminations).map { full.trials(rung: $0) } == [27, 9, 3, 1])
        let other = Halving(trials: 20, epochs: 15)
        #expect((0...other.eliminations).map { other.epochs(of: 15, rung: $0) } == [2, 5, 15])
        #expect((0...other.eliminations).map { other.trials(rung: $0) } == [20, 6, 2])
        #expect(Halving(trials: 2, epochs: 100).eliminations == 0)
        #expect(Halving(trials: 100, epochs: 2).eliminations == 0)
    }

    @Test func aShellTakesALineApartAgain() throws {
        let arguments = ["plain", "a b", "it's", "", "user=1,item=2", "$HOME", "\"x\"", "a\\b", "*", "é"]
        let result = try shell("printf '%s\\n' " + Shell.line(arguments))
        #expect(result.output == arguments.joined(separator: "\n") + "\n")
    }
}
