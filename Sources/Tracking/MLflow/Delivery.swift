import Basics
import Formats
import Remote

/// Tells a server what the queue holds, in order. Whatever is told twice changes nothing there: runs are found again by a tag,
/// a figure is the same figure by its name, step and time.
struct Delivery {
    let client: MLflowClient
    let queue: TrackingQueue
    /// The run's folder.
    let folder: String
    let environment: Environment
    /// Is told of what the server does not take.
    let warn: @Sendable (String) -> Void
    /// Is told after what went well how many bytes come next.
    let progress: Progress

    typealias Progress = @Sendable (_ bytes: Int) -> Void

    /// Tells the next records.
    ///
    /// - Returns: whether there were any.
    /// - Throws: `unavailable`; what was told already is noted, the rest stays.
    func deliver() throws -> Bool {
        let (records, end) = try queue.next()
        guard end > queue.state.offset else { return false }
        var figures: [JSONValue] = []
        var run: String?
        var epochs: [String: Int] = [:]
        func flush() throws {
            guard !figures.isEmpty else { return }
            let id = try id(of: run)
            try accepting("figures", id) { try client.log(id, metrics: figures) }
            figures = []
        }
        for record in records {
            if record.kind != .metrics || record.run != run || figures.count >= MLflowClient.metricsAtOnce {
                try flush()
            }
            run = record.run
            switch record.kind {
            case .begin: try begin(record)
            case .metrics:
                figures += (record.metrics ?? [:]).sorted { $0.key < $1.key }.map { name, value in
                    MLflowClient.metric(name, value, step: record.step ?? 0, time: record.time)
                }
                if let epoch = record.epoch { epochs[record.run ?? "", default: 0] = epoch }
            case .tags:
                let id = try id(of: run)
                try accepting("tags", id) { try client.log(id, tags: record.tags ?? [:]) }
            case .files: try sendFiles()
            case .end: try client.update(id(of: run), status: record.status ?? "FINISHED", end: record.time)
            }
            progress(0)
        }
        try flush()
        try queue.update { state in
            state.offset = end
            for (run, epoch) in epochs { state.runs[run]?.epoch = epoch }
        }
        progress(0)
        return true
    }

    /// What a server refuses for its content would be refused for ever: it is left out. Of a run that was deleted nothing is taken.
    private func accepting(_ what: String, _ run: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as StarlingError where error.refusal?.status == 400 || error.refusal?.status == 413 {
            let stage = try client.call(.get, "mlflow/runs/get", query: [("run_id", run)])["run"]?["info"]
            if stage?["lifecycle_stage"]?.string == "deleted" { throw error }
            warn("MLflow does not take some \(what): \(error.what)")
        }
    }

    private func id(of run: String?) throws -> String {
        guard let id = queue.state.runs[run ?? ""]?.id else {
            throw StarlingError(.failed, "the queue lacks the beginning of a run", at: .init(file: queue.folder))
        }
        return id
    }

    private func begin(_ record: TrackingRecord) throws {
        let name = record.run ?? ""
        var run = queue.state.runs[name] ?? .init(key: Self.newKey())
        if run.id != nil {
            try client.update(run.id!, status: "RUNNING", end: nil)
            try client.forget("starling.error", of: run.id!)
        } else {
            // Noted before the server hears of it, so that a lost answer makes no second run.
            try queue.update { $0.runs[name] = run }
            let made = try make(record, run.key)
            guard let id = made["info"]?["run_id"]?.string else { throw client.isNoServer() }
            run.id = id
            run.artifacts = made["info"]?["artifact_uri"]?.string
        }
        let asked = record.parameters ?? [:]
        let new = asked.filter { run.parameters[$0.key] == nil }
        // A parameter can be written once: more epochs than before show as a tag.
        let changed = asked.filter { run.parameters[$0.key] != nil && run.parameters[$0.key] != $0.value }
        let tags = (record.tags ?? [:]).merging(changed.map { ("starling.changed.\($0.key)", $0.value) }) { $1 }
        let id = run.id!
        try accepting("parameters", id) { try client.log(id, parameters: new) }
        try accepting("tags", id) { try client.log(id, tags: tags) }
        run.parameters.merge(new) { $1 }
        try queue.update { $0.runs[name] = run }
    }

    private func make(_ record: TrackingRecord, _ key: String) throws -> JSONValue {
        if record.run == nil, let id = environment["MLFLOW_RUN_ID"] {
            let found = try client.call(.get, "mlflow/runs/get", query: [("run_id", id)])["run"]
            guard let found else { throw client.isNoServer() }
            try client.update(id, status: "RUNNING", end: nil)
            return found
        }
        let experiment = try experiment()
        if let found = try client.run(tagged: key, in: experiment) { return found }
        var tags = [MLflowClient.keyTag: key, "mlflow.source.type": "LOCAL", "mlflow.source.name": "starling"]
        if record.run != nil { tags["mlflow.parentRunId"] = try id(of: nil) }
        if let user = environment["USER"] { tags["mlflow.user"] = user }
        return try client.makeRun(record.name ?? "starling", in: experiment, start: record.time, tags: tags)
    }

    private func experiment() throws -> String {
        let state = queue.state
        if let id = state.experimentID { return id }
        let id =
            try environment["MLFLOW_EXPERIMENT_ID"].flatMap { state.experiment == nil ? $0 : nil }
            ?? client.experiment(state.experiment ?? "Default")
        try queue.update { $0.experimentID = id }
        return id
    }

    /// Sends files that the server does not have as they are now, and then the model to the registry.
    private func sendFiles() throws {
        guard let run = queue.state.runs[""], let id = run.id, let root = run.artifacts else { return }
        let artifacts = MLflowArtifacts(client: client, run: id, root: root)
        let files = try MLflowArtifacts.files(of: folder)
        var hasChanged = false
        do {
            for (path, file) in files {
                let digest = try MappedFile(file).sha256()
                guard queue.state.files[path] != digest else { continue }
                progress(Files.size(file) ?? 0)
                try artifacts.put(file, as: path)
                hasChanged = hasChanged || path.hasPrefix("model/")
                try queue.update { $0.files[path] = digest }
            }
        } catch let error as StarlingError where error.refusal?.status == 501 {
            return warn("MLflow gets no files: \(error.what); \(error.remedy ?? "")")
        }
        let state = queue.state
        if hasChanged { try client.announceModel(id) }
        guard let name = state.model, state.version == nil || hasChanged else { return }
        let model = files.filter { $0.path.hasPrefix("model/") }.map { (String($0.path.dropFirst(6)), $0.file) }
        guard !model.isEmpty else { return warn("there is no model to register as \(name)") }
        let version = try ModelRegistry(client: client).add(name, run: id, root: root, files: model)
        try queue.update { $0.version = version }
    }

    private static func newKey() -> String {
        (0..<4).map { _ in String(UInt32.random(in: .max / 16...(.max)), radix: 16) }.joined()
    }
}
