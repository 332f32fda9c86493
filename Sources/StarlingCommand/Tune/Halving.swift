/// Which trials train how far: all to the end, or in rungs, a third of them going on at each (successive halving; Jamieson
/// and Talwalkar, AISTATS 2016, with factor 3).
package struct Halving: Equatable {
    /// Rungs before the last.
    package let eliminations: Int
    private let trials: Int
    private static let factor = 3

    /// - Parameter epochs: those of the shortest trial; the first rung has at least one.
    package init(trials: Int, epochs: Int) {
        self.trials = trials
        var (eliminations, left) = (0, min(trials, epochs))
        while left >= Self.factor {
            left /= Self.factor
            eliminations += 1
        }
        self.eliminations = eliminations
    }

    /// Epochs, from the first on, that a trial of so many in all has behind it after a rung.
    package func epochs(of total: Int, rung: Int) -> Int {
        let divisor = power(eliminations - rung)
        return (total + divisor - 1) / divisor
    }

    /// Trials that a rung begins with.
    package func trials(rung: Int) -> Int { max(1, trials / power(rung)) }

    private func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * Self.factor } }
}
