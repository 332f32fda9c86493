import Starling

/// What memory estimates of a training are made from.
struct TrainingSizes {
    var users, items: Int
    /// Of training.
    var interactions: Int
    var validation: Int
    var hasValues: Bool
    var ranks = 1
}

/// What reading a source for a training takes, before and while the model takes what it takes.
struct ReadingSizes {
    /// Interactions in all, and those that are held out.
    var count, heldOut: Int
    var hasTimes: Bool
    /// What the process takes before it reads.
    var before: Int
    var sizes: TrainingSizes

    private var idBytes: Int {
        // Ids of 64 bits, and a hash table at most half full.
        [sizes.users, sizes.items].reduce(0) { sum, count in
            var slots = 16
            while slots < 2 * count { slots *= 2 }
            return sum + 8 * count + 4 * slots
        }
    }

    private var valueBytes: Int { sizes.hasValues ? 4 : 0 }
    private var rowBytes: Int { 8 + valueBytes + (hasTimes ? 8 : 0) }

    /// What is there from reading to the end, beside the model's own.
    private var common: MemoryEstimate {
        var estimate = MemoryEstimate()
        estimate.add("program", bytes: before)
        estimate.add("ids", bytes: idBytes)
        if heldOut > 0 { estimate.add("held-out part", bytes: heldOut * rowBytes) }
        return estimate
    }

    /// The peak where the log is in memory while histories are made of it.
    func ofLog(training: MemoryEstimate, workers: Workers) -> MemoryEstimate {
        var (splitting, sorting) = (common, common)
        splitting.add("log", bytes: count * rowBytes)
        // Times are let go before.
        sorting.add("log", bytes: count * (8 + valueBytes))
        sorting.add("histories", bytes: sizes.interactions * (4 + valueBytes) + 8 * sizes.users)
        sorting.add("sorting", bytes: min(2 * sizes.interactions, 4 * workers.count * sizes.users))
        if heldOut > 0 {
            splitting.add("parts", bytes: count)
            sorting.add("parts", bytes: count)
        }
        return peak(splitting.total > sorting.total ? splitting : sorting, training, common)
    }

    /// The peak where histories are made of passes over the source.
    func ofPasses(_ source: IndexedSource, training: MemoryEstimate, workers: Workers) -> MemoryEstimate {
        let common = reading(source, workers)
        var loading = common
        loading.add("histories", bytes: sizes.interactions * (4 + valueBytes) + 8 * sizes.users)
        loading.add("sorting", bytes: min(4 * sizes.interactions, 32 * workers.count * sizes.users))
        return peak(loading, training, common)
    }

    /// The peak where the model goes through the source itself.
    func ofDealing(_ source: IndexedSource, training: MemoryEstimate, workers: Workers) -> MemoryEstimate {
        let common = reading(source, workers)
        var loading = common
        loading.add("counts", bytes: 4 * (1 + workers.count) * (sizes.users + sizes.items))
        return peak(loading, training, common)
    }

    /// What is there to the end: what slices have taken stays with the process.
    private func reading(_ source: IndexedSource, _ workers: Workers) -> MemoryEstimate {
        var estimate = common
        estimate.add("reading", bytes: source.memory(workers: workers))
        return estimate
    }

    private func peak(
        _ loading: MemoryEstimate, _ training: MemoryEstimate, _ common: MemoryEstimate
    ) -> MemoryEstimate {
        var later = training
        for part in common.parts { later.add(part.name, bytes: part.bytes) }
        return loading.total > later.total ? loading : later
    }
}
