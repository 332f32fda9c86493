import Remote
import StarlingCommand
import Stores

/// `starling`: the command with all rooms.
@main struct Main {
    static func main() {
        Program(
            openAddress: { ShardStores.isAddress($0) ? try ShardStores.open($0) : nil },
            openStore: { location, given in
                try Stores.open(location, supabase: SupabaseAccess(url: given.url, key: given.key, keyFile: given.file))
            }
        ).run()
    }
}
