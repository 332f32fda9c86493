import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The options that a search varies, by their names on the command line, and what a trial takes for them.
package struct SearchSpace: Equatable {
    package enum Values: Equatable {
        /// Whole numbers where both ends are written as such. `isLogarithmic` draws the logarithm evenly.
        case range(ClosedRange<Double>, isWhole: Bool, isLogarithmic: Bool)
        case choices([String])
    }

    package struct Dimension: Equatable {
        /// Without dashes before it: `learning-rate`.
        package var name: String
        package var values: Values
    }

    /// In the order of names, so that the order on the command line does not matter.
    package let dimensions: [Dimension]

    /// Reads `NAME=LOW..HIGH[:log]` and `NAME=TEXT,TEXT,…`.
    ///
    /// - Throws: `usage` for another form, an empty range, a range from 0 with `log`, or an option named twice.
    package init(ranges: [String], choices: [String]) throws {
        let all = try ranges.map(Self.range) + choices.map(Self.choice)
        dimensions = all.sorted { $0.name < $1.name }
        for (one, next) in zip(dimensions, dimensions.dropFirst()) where one.name == next.name {
            throw StarlingError(.usage, "--\(one.name) is varied twice", remedy: "name it in one --range or --choice")
        }
    }

    /// How many different trials there are where only choices are varied; nil with a range, of which there is no end.
    package var combinations: Int? {
        dimensions.reduce(1 as Int?) { product, dimension in
            guard let product, case .choices(let choices) = dimension.values, product <= Int(UInt32.max) / choices.count
            else { return nil }
            return product * choices.count
        }
    }

    /// What trial `number`, from 1, takes, in the order of ``dimensions``: a function of the two numbers. Up to
    /// ``combinations`` no two trials are the same.
    package func draw(trial number: Int, seed: UInt64) -> [(name: String, text: String)] {
        guard let combinations, number <= combinations else {
            var random = RandomStream(seed: seed, .search, index: UInt64(number))
            return dimensions.map { ($0.name, Self.draw($0.values, &random)) }
        }
        var random = RandomStream(seed: seed, .search, index: 0)
        var place: UInt32 = 0
        RandomPermutation(count: combinations, random: &random).copy(number - 1..<number, to: &place)
        return dimensions.map { dimension in
            guard case .choices(let choices) = dimension.values else { preconditionFailure("counted as choices") }
            defer { place /= UInt32(choices.count) }
            return (dimension.name, choices[Int(place) % choices.count])
        }
    }

    private static func draw(_ values: Values, _ random: inout RandomStream) -> String {
        switch values {
        case .choices(let choices): return choices[random.below(choices.count)]
        case .range(let range, let isWhole, let isLogarithmic):
            let share = random.uniform()
            let (low, high) = (range.lowerBound, range.upperBound + (isWhole ? 1 : 0))
            let value = isLogarithmic ? low * pow(high / low, share) : low + share * (high - low)
            if isWhole { return String(Int(min(value.rounded(.down), range.upperBound))) }
            return "\(min(max(short(value), range.lowerBound), range.upperBound))"
        }
    }

    /// Rounded to four significant digits: what a trial uses is what its command shows.
    private static func short(_ value: Double) -> Double {
        guard value != 0 else { return 0 }
        let exponent = Int(log10(abs(value)).rounded(.down)) - 3
        let scale = pow(10, Double(abs(exponent)))
        return exponent < 0 ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
    }

    private static func range(_ text: String) throws -> Dimension {
        func wrong(_ what: String) -> StarlingError {
            StarlingError(
                .usage, "--range \(text): \(what)",
                remedy: "write NAME=LOW..HIGH or NAME=LOW..HIGH:log, as in regularization=1e-4..1e-1:log")
        }
        guard let (name, values) = parts(text) else { throw wrong("it names no option and values") }
        var ends = values[...]
        let isLogarithmic = ends.hasSuffix(":log")
        if isLogarithmic { ends = ends.dropLast(4) }
        guard let dots = ends.firstRange(of: ".."), let low = Double(ends[..<dots.lowerBound]),
            let high = Double(ends[dots.upperBound...]), low.isFinite, high.isFinite
        else { throw wrong("“\(values)” is not LOW..HIGH") }
        guard low <= high else { throw wrong("it is empty") }
        guard !isLogarithmic || low > 0 else { throw wrong("logarithms need numbers above 0") }
        let isWhole = Int(ends[..<dots.lowerBound]) != nil && Int(ends[dots.upperBound...]) != nil
        return Dimension(
            name: name, values: .range(low...high, isWhole: isWhole, isLogarithmic: isLogarithmic))
    }

    private static func choice(_ text: String) throws -> Dimension {
        let found = parts(text)
        let choices = found?.values.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
        guard let found, !choices.contains("") else {
            throw StarlingError(
                .usage, "--choice \(text): it names no option and values",
                remedy: "write NAME=TEXT,TEXT, as in solver=cholesky,cg")
        }
        return Dimension(name: found.name, values: .choices(choices))
    }

    /// The option, in its declared spelling, and what stands behind the equals sign.
    private static func parts(_ text: String) -> (name: String, values: String)? {
        guard let equals = text.firstIndex(of: "=") else { return nil }
        let typed = text[..<equals].drop { $0 == "-" }
        let values = String(text[text.index(after: equals)...])
        guard !typed.isEmpty, !values.isEmpty else { return nil }
        return (String(Spelling.option("--" + typed).0.dropFirst(2)), values)
    }
}
