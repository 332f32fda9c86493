#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How a latent taste is given as a rating.
public enum RatingScale: String, Sendable {
    /// Rounded to the nearest half and clipped to 0.5…5.
    case halfStars
    /// As it is.
    case continuous

    /// The rating for a taste.
    func rating(_ taste: Double) -> Float {
        switch self {
        case .halfStars: Float(min(5, max(0.5, (2 * taste).rounded() / 2)))
        case .continuous: Float(taste)
        }
    }

    /// Mean and variance of the rating when the taste is N(mean, deviation²).
    ///
    /// On half stars r = 0.5 + ½ Σ_k [t > t_k] over the nine thresholds t_k = 0.75, 1.25 … 4.75, so both moments are
    /// sums of normal tail probabilities, exact to rounding.
    package func moments(mean: Double, deviation: Double) -> (mean: Double, variance: Double) {
        guard self == .halfStars else { return (mean, deviation * deviation) }
        guard deviation > 0 else { return (Double(rating(mean)), 0) }
        let scale = 1 / (deviation * 2.0.squareRoot())
        var (first, second) = (0.5, 0.25)
        for step in 1...9 {
            let level = 0.5 + 0.5 * Double(step)
            let above = 0.5 * erfc((level - 0.25 - mean) * scale)
            first += 0.5 * above
            second += (level * level - (level - 0.5) * (level - 0.5)) * above
        }
        return (first, second - first * first)
    }
}
