import Interactions

/// The groups of users and items that figures are shown for. All runs of a report are put into those of the first.
struct RunBins {
    /// Users with held-out interactions, by training interactions.
    let users: CountBins
    /// All items, by training interactions.
    let items: CountBins

    /// - Parameter isShared: whether other runs will be put into them.
    init(_ counts: RunCounts, heldOut: InteractionLog, isShared: Bool) {
        var isThere = [Bool](repeating: false, count: counts.activity.count)
        for user in heldOut.userRows { isThere[Int(user)] = true }
        let activity = counts.activity.indices.filter { isThere[$0] }.map { counts.activity[$0] }
        users = CountBins(of: activity, isOpen: isShared)
        items = CountBins(of: counts.popularity, isOpen: isShared)
    }
}
