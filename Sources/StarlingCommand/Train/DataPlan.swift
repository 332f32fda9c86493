import Starling

/// How a training takes its data in, chosen by what memory is available.
struct DataPlan {
    enum Way {
        /// The log is read into memory, and histories are made of it.
        case log
        /// Histories are made of passes over the source, of which no log is in memory.
        case passes(IndexedSource)
    }

    var way = Way.log
    /// Bytes that may be taken; nil where that cannot be told.
    let available: Int?
    /// Bytes that were taken before.
    let before = Host.peakMemory()
    /// Whether histories can be read again from the source.
    var canRefer = false
    /// Why the source is not gone through in passes, if it cannot be.
    private var obstacle: StarlingError?

    /// The log in memory.
    init(available: Int?) { self.available = available }

    /// Goes through the source once where its log may not fit, and tells of it.
    ///
    /// - Parameters:
    ///   - isLimited: whether `available` was asked for, and may be taken whole. Of what is merely free a quarter is left: to
    ///     what else runs, and to the system's own copies of the files that are read.
    ///   - deals: whether the model goes through passes itself, so that only these say what it takes; see
    ///     ``grid(_:_:_:isLimited:_:)``.
    /// - Throws: `failed` with the numbers if no way fits; what reading throws.
    init(
        _ reading: ReadingFlags, _ rule: SplitRule?, available: Int?, isLimited: Bool,
        _ estimate: TrainingJob.Estimate, deals: Bool, _ workers: Workers, _ cancellation: Cancellation
    ) throws {
        self.available = available
        let source: PassableSource
        do {
            source = try reading.passable(rule, cancellation)
        } catch let error as StarlingError {
            // What is wrong with the data says who reads it.
            obstacle = error
            return
        }
        canRefer = true
        guard let available else { return }
        let (train, heldOut) = rule.flatMap { $0.counts(of: source.count) } ?? (source.count, 0)
        var sizes = ReadingSizes(
            count: source.count, heldOut: heldOut, hasTimes: source.hasTimes, before: before,
            sizes: TrainingSizes(
                users: 0, items: 0, interactions: train, validation: heldOut, hasValues: source.hasValues))
        func ofLog() -> Int { sizes.ofLog(training: estimate(sizes.sizes), workers: workers).total }
        // How many users and items there are, a pass would tell.
        let most = isLimited ? available : available / 4 * 3
        guard ofLog() > most / 4 else { return }
        let indexed = try ProgressBar.during("counting", unit: "interactions") {
            try IndexedSource(source, workers: workers, cancellation: cancellation, progress: $0)
        }
        (sizes.sizes.users, sizes.sizes.items) = (indexed.users.count, indexed.items.count)
        guard ofLog() > most else { return }
        way = .passes(indexed)
        guard !deals else { return }
        let memory = sizes.ofPasses(indexed, training: estimate(sizes.sizes), workers: workers)
        FileHandles.standardError("memory  \(memory.line); the data is read in passes\n")
        try check(memory)
    }

    /// Where the grid is of ratings that are dealt through disk, and tells what that takes: in memory, unless a limit that was
    /// asked for is below that.
    ///
    /// - Throws: `failed` with the numbers if it fits nowhere.
    func grid(
        _ passes: SourcePasses, heldOut: Int, _ estimate: TrainingJob.EstimateOfDealing, isLimited: Bool,
        _ workers: Workers
    ) throws -> GridScratch.Place {
        let sizes = ReadingSizes(
            count: passes.indexed.count, heldOut: heldOut, hasTimes: passes.indexed.hasTimes,
            before: before,
            sizes: TrainingSizes(
                users: passes.userCount, items: passes.itemCount, interactions: passes.entryCount, validation: heldOut,
                hasValues: passes.hasValues))
        func memory(_ place: GridScratch.Place) -> MemoryEstimate {
            sizes.ofDealing(
                passes.indexed, training: estimate(passes, passes.validation?.count ?? 0, place, workers.count),
                workers: workers)
        }
        var place = GridScratch.Place.memory
        if isLimited, let available, memory(place).total > available {
            place = .disk(buffers: max(0, available - memory(.disk(buffers: 0)).total))
        }
        let found = memory(place)
        let what = place == .memory ? "ratings are dealt through disk" : "training reads the ratings from disk"
        FileHandles.standardError("memory  \(found.line); \(what)\n")
        do {
            try check(found)
        } catch var error as StarlingError where place == .memory {
            error.remedy = "let it train from disk with --memory-limit; or " + (error.remedy ?? "")
            throw error
        }
        return place
    }

    /// - Throws: `failed` with the numbers if it is more than there is.
    func check(_ memory: MemoryEstimate) throws {
        do {
            try memory.check(available: available)
        } catch var error as StarlingError {
            if let obstacle, obstacle.code == .usage { error.remedy = (error.remedy ?? "") + "; " + obstacle.what }
            throw error
        }
    }
}
