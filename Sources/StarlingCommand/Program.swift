import ArgumentParser
package import Formats
package import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The command: parses, wires the rooms together, prints. What is built in beyond the core is given here.
package struct Program: Sendable {
    /// Opens an address; nil for what is a path of this machine.
    package typealias OpenAddress = @Sendable (_ location: String) throws -> (any ShardStore)?

    /// Opens a table; nil for what is no address of one.
    package typealias OpenStore = @Sendable (_ location: String, _ supabase: SupabaseKey) throws -> (any Store)?

    /// Makes what hears of a training.
    package typealias MakeTrackers =
        @Sendable (_ options: TrackingOptions, _ warn: @escaping (String) -> Void) throws -> [any TrainingObserver]

    let openAddress: OpenAddress
    let openStore: OpenStore
    let makeTrackers: MakeTrackers
    let tracking: TrackingServers

    package init(
        openAddress: @escaping OpenAddress = Self.refuseAddress, openStore: @escaping OpenStore = Self.refuseStore,
        makeTrackers: @escaping MakeTrackers = Self.refuseTrackers, tracking: TrackingServers = .none
    ) {
        (self.openAddress, self.openStore, self.makeTrackers) = (openAddress, openStore, makeTrackers)
        self.tracking = tracking
    }

    /// The shards at an address; nil for what is a path of this machine.
    func shards(at location: String, _ cancellation: Cancellation?) throws -> MDSFolder? {
        try openAddress(location).map { try MDSFolder($0, cancellation: cancellation) }
    }

    /// The program that runs.
    @TaskLocal static var current = Program()

    /// Runs the command that the process was started with.
    package func run() {
        // A reader that goes away (`starling … | head`) ends the command quietly.
        signal(SIGPIPE, SIG_DFL)
        FileHandles.guardStandardStreams()
        Launcher.endTogether()
        do {
            let arguments = try Spelling.expand(Array(CommandLine.arguments.dropFirst()))
            var command = try StarlingCommand.parseAsRoot(arguments)
            try Self.$current.withValue(self) { try command.run() }
        } catch let error as StarlingError {
            if !error.isTold { FileHandles.standardError("error: \(DisplayWidth.printable("\(error)"))\n") }
            exit(error.code.exitStatus)
        } catch {
            if let file = Spelling.configurationFile(in: CommandLine.arguments),
                StarlingCommand.exitCode(for: error) != .success
            {
                FileHandles.standardError("Options were also read from \(file).\n")
            }
            StarlingCommand.exit(withError: error)
        }
    }

    /// What a program without networking says.
    package static let refuseAddress: OpenAddress = { location in
        guard location.contains("://") || location.hasPrefix("dbfs:") else { return nil }
        throw StarlingError(
            .unavailable, "starling-core reads files and folders, no addresses", at: .init(file: location),
            remedy: "use the command starling, which has networking, or copy the data here first")
    }

    /// What a program without databases says.
    package static let refuseStore: OpenStore = { location, _ in
        guard ["sqlite:", "postgres:", "postgresql:", "supabase:"].contains(where: location.lowercased().hasPrefix)
        else {
            return nil
        }
        throw StarlingError(
            .unavailable, "starling-core reads and writes files, no tables",
            remedy: "use the command starling, which has databases")
    }

    /// What a program without trackers says.
    package static let refuseTrackers: MakeTrackers = { options, _ in
        guard options.tensorBoard != nil else { return [] }
        throw StarlingError(
            .unavailable, "starling-core writes no logs for TensorBoard", remedy: "use the command starling")
    }
}
