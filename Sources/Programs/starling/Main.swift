import Remote
import StarlingCommand
import Stores
import Tracking

/// `starling`: the command with all rooms.
@main struct Main {
    static func main() {
        Program(
            openAddress: { ShardStores.isAddress($0) ? try ShardStores.open($0) : nil },
            openStore: { location, given in
                try Stores.open(location, supabase: SupabaseAccess(url: given.url, key: given.key, keyFile: given.file))
            },
            makeTrackers: { options, warn in
                try options.tensorBoard.map { [try TensorBoardWriter(folder: $0, warn: warn)] } ?? []
            },
            tracking: TrackingServers(
                check: MLflowTracker.check, open: { try MLflowTracker($0, $1, warn: $2) },
                sync: { try MLflowTracker.sync($0, $1, warn: $2) })
        ).run()
    }
}
