import Basics
import Kernels

/// Ratings made from a known truth, so that what a model learns can be judged against it.
///
/// The taste of user u for item i is a latent number
///
///     t = μ + b_u + b_i + p_u·q_i + ε,   ε ~ N(0, noise²)
///
/// and the rating is t rounded to a half star and clipped to 0.5…5. μ, the biases and the `rank` factors are the
/// plan, drawn once from the seed. With default noise biases explain about 30 % of the variance of t, factors
/// 18 % (each factor a fifth less than the one before it) and noise the rest, as in MovieLens; ratings have a mean
/// near 3.5 and a standard deviation near 1.05.
///
/// Users' activity is log-normal on top of ``minimumPerUser``; nobody rates more than half of the items (or twice
/// the average, if that is more). Items' popularity follows the Zipf–Mandelbrot law, weight ∝ (r + c)^−2.2 for the
/// item of popularity rank r, c = min(items ÷ 10, 450): flat among the very first, then a steep tail. A
/// user's items are drawn one after the other by that weight without repetition, so that a pair occurs at most
/// once; before that, if interactions are at least as many as items, every item goes to one user.
///
/// The plan and the log depend on the parameters alone, not on threads. Ids are 1, 2, 3…
///
/// ```swift
/// let truth = try SyntheticRatings(users: 1000, items: 500, interactions: 50_000, seed: 1)
/// let log = truth.log()
/// print(truth.noiseFloor(over: log))  // no model can have a lower RMSE
/// ```
public struct SyntheticRatings: Sendable {
    /// Sizes of well-known data sets, under their names.
    public enum Preset: String, Sendable, CaseIterable {
        case ml100k = "ml-100k"
        case ml1m = "ml-1m"
        case ml20m = "ml-20m"
    }

    public let users: Int
    public let items: Int
    /// Interactions that ``log(workers:)`` makes, exactly.
    public let interactions: Int
    /// Planted factors.
    public let rank: Int
    /// The standard deviation of ε, in stars.
    public let noise: Double
    /// Interactions that every user has at least.
    public let minimumPerUser: Int
    public let scale: RatingScale
    public let seed: UInt64

    let plan: PlantedStructure

    /// Draws the plan.
    ///
    /// - Parameters:
    ///   - noise: 0.84 by default, which leaves a noise floor like the best published results on MovieLens-20M.
    ///   - minimumPerUser: at least 1.
    /// - Throws: `usage` if the numbers do not go together: more interactions than pairs, or fewer than users need.
    /// - Complexity: O((users + items) × rank).
    public init(
        users: Int, items: Int, interactions: Int, rank: Int = 16, noise: Double = 0.84, minimumPerUser: Int = 1,
        scale: RatingScale = .halfStars, seed: UInt64
    ) throws {
        func refuse(_ what: String, _ remedy: String) -> StarlingError { StarlingError(.usage, what, remedy: remedy) }
        let limit = Int(UInt32.max)
        guard (1..<limit).contains(users), (1..<limit).contains(items), (1..<limit).contains(interactions) else {
            throw refuse(
                "cannot make \(interactions) interactions of \(users) users and \(items) items",
                "give whole numbers from 1 up to four thousand million")
        }
        guard (1...1024).contains(rank) else { throw refuse("\(rank) is not a rank", "give 1 to 1024 factors") }
        guard noise >= 0, noise.isFinite else { throw refuse("\(noise) is not a noise", "give 0 or more stars") }
        guard (1...items).contains(minimumPerUser) else {
            throw refuse("no user can rate \(minimumPerUser) of \(items) items", "give a minimum of 1 to \(items)")
        }
        guard interactions >= users * minimumPerUser else {
            throw refuse(
                "\(interactions) interactions do not give each of \(users) users \(minimumPerUser)",
                "ask for at least \(users * minimumPerUser) interactions, or for fewer users")
        }
        guard interactions <= users * items else {
            throw refuse(
                "\(users) users and \(items) items have fewer than \(interactions) pairs, and a pair is rated once",
                "ask for at most \(users * items) interactions")
        }
        self.users = users
        self.items = items
        self.interactions = interactions
        self.rank = rank
        self.noise = noise
        self.minimumPerUser = minimumPerUser
        self.scale = scale
        self.seed = seed
        plan = PlantedStructure(users: users, items: items, rank: rank, seed: seed)
    }

    /// Ratings of the size of a well-known data set; only sizes and the least activity are alike, no data is used.
    public init(
        like preset: Preset, rank: Int = 16, noise: Double = 0.84, scale: RatingScale = .halfStars, seed: UInt64
    ) throws {
        let (users, items, interactions) =
            switch preset {
            case .ml100k: (943, 1682, 100_000)
            case .ml1m: (6040, 3706, 1_000_209)
            case .ml20m: (138_493, 26_744, 20_000_263)
            }
        try self.init(
            users: users, items: items, interactions: interactions, rank: rank, noise: noise, minimumPerUser: 20,
            scale: scale, seed: seed)
    }
}
