import StarlingCommand

/// `starling-core`: the command without rooms that bring large libraries, for machines on which nothing can be installed.
@main struct Main {
    static func main() { Program().run() }
}
