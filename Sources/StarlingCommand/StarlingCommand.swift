import ArgumentParser
import Starling

@main struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "starling")
}
