import Remote
import StarlingCommand

/// `starling`: the command with all rooms.
@main struct Main {
    static func main() {
        Program(openAddress: { ShardStores.isAddress($0) ? try ShardStores.open($0) : nil }).run()
    }
}
