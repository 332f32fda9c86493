import Basics

/// How a log is cut into training and held-out parts.
///
/// | text | held out |
/// |---|---|
/// | `random:V[,T]` | a random fraction V for validation and T for the test |
/// | `last:N` | each user's newest N interactions, see ``last(_:)`` |
/// | `temporal:F[,T]` | the newest fraction T of all for the test and F before it for validation |
/// | `held-out-users:N` | N whole users (strong generalisation), see ``heldOutUsers(_:)`` |
/// | `folders` | what lies in folders of its own, see ``folders`` |
public enum SplitRule: Sendable, Equatable, CustomStringConvertible {
    /// Exactly `round(validation · n)` and `round(test · n)` of the n interactions, drawn at random. A fraction
    /// of 0 means that there is no such part.
    case random(validation: Double, test: Double)
    /// Each user's newest interactions. `last(1)`: the last is for validation. `last(N)` with N ≥ 2: the last is
    /// for the test, the N − 1 before it for validation. A user with fewer than N + 1 interactions stays wholly
    /// in training.
    case last(Int)
    /// The newest `round(test · n)` interactions of all are for the test, the `round(validation · n)` before them
    /// for validation. A fraction of 0 means that there is no such part.
    case temporal(validation: Double, test: Double)
    /// That many users, drawn at random among those with at least two interactions, are not in training. Of each
    /// one's interactions a random 80 % (rounded; at least one on either side) are the history from which a
    /// model makes the user's vector, the rest are the test.
    case heldOutUsers(Int)
    /// The parts are there already: the source is a folder with `train` (or `training`) and, where they are,
    /// `validation` (`val`, `valid`) and `test` (`evaluation`, `eval`); see ``PartFolders``.
    case folders

    /// Reads `random:0.1`, `random:0.1,0.1`, `last:1`, `temporal:0.2`, `temporal:0.1,0.1` or `held-out-users:500`.
    ///
    /// - Throws: `usage` with the forms that there are.
    public init(parsing text: String) throws {
        if text == "folders" {
            self = .folders
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Self.unknown(text) }
        switch parts[0] {
        case "random":
            let (validation, test) = try Self.fractions(parts[1], of: text)
            self = .random(validation: validation, test: test)
        case "temporal":
            let (validation, test) = try Self.fractions(parts[1], of: text)
            self = .temporal(validation: validation, test: test)
        case "last": self = .last(try Self.number(parts[1], of: text))
        case "held-out-users": self = .heldOutUsers(try Self.number(parts[1], of: text))
        default: throw Self.unknown(text)
        }
    }

    /// The text that ``init(parsing:)`` reads.
    public var description: String {
        switch self {
        case .random(let validation, let test): "random:\(validation)" + (test > 0 ? ",\(test)" : "")
        case .last(let count): "last:\(count)"
        case .temporal(let validation, let test): "temporal:\(validation)" + (test > 0 ? ",\(test)" : "")
        case .heldOutUsers(let count): "held-out-users:\(count)"
        case .folders: "folders"
        }
    }

    /// Whether there is a validation part, by which training can watch its progress; of ``folders`` there may be.
    public var makesValidation: Bool {
        switch self {
        case .random(let validation, _), .temporal(let validation, _): validation > 0
        case .last, .folders: true
        case .heldOutUsers: false
        }
    }

    /// Throws `usage` unless fractions lie in [0, 1) and leave something for training, and counts are at least 1.
    func validate() throws {
        switch self {
        case .random(let validation, let test), .temporal(let validation, let test):
            guard validation >= 0, test >= 0, validation + test < 1 else {
                throw StarlingError(
                    .usage, "the split “\(self)” holds out fractions that are not between 0 and 1 in all",
                    remedy: "give fractions whose sum is below 1, as in random:0.1,0.1")
            }
        case .last(let count), .heldOutUsers(let count):
            guard count >= 1 else {
                throw StarlingError(
                    .usage, "the split “\(self)” holds out nothing", remedy: "give a whole number of at least 1")
            }
        case .folders: break
        }
    }

    private static func fractions(_ text: Substring, of rule: String) throws -> (Double, Double) {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard (1...2).contains(numbers.count), let validation = numbers[0], let test = numbers.last!,
            validation.isFinite, test.isFinite
        else { throw unknown(rule) }
        let fractions = (validation, numbers.count == 2 ? test : 0)
        try SplitRule.random(validation: fractions.0, test: fractions.1).validate()
        return fractions
    }

    private static func number(_ text: Substring, of rule: String) throws -> Int {
        guard let number = Int(text), number >= 1 else { throw unknown(rule) }
        return number
    }

    private static func unknown(_ text: String) -> StarlingError {
        StarlingError(
            .usage, "“\(text)” is not a way to split",
            remedy: "write random:V[,T], last:N, temporal:F[,T] or held-out-users:N, where V, F and T are fractions "
                + "(validation first, then test) and N is a whole number, as in random:0.1 or last:1; or folders, of "
                + "data whose parts lie in train/, validation/ and test/")
    }
}
