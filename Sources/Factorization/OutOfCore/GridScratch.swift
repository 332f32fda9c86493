import Basics
import Interactions

/// How ratings that are gone through become a ``BlockGrid``: the folder through whose disk they are dealt, and where the
/// grid is then.
package struct GridScratch: Sendable {
    package enum Place: Sendable, Equatable {
        /// In memory.
        case memory
        /// In the folder too, with about so many bytes of memory for user blocks that are built at the same time, or for
        /// blocks that are read ahead; never less than one of the former and a few of the latter.
        case disk(buffers: Int)
    }

    /// Where temporary files are made. Nothing of them is left, however the process ends.
    package var folder: String
    package var place: Place

    package init(folder: String, place: Place) {
        (self.folder, self.place) = (folder, place)
    }

    /// Refuses what the disk has no room for.
    ///
    /// - Parameter free: bytes that can be had; nil, where that cannot be told, refuses nothing.
    /// - Throws: `failed` with both numbers.
    package func check(bytes: Int, free: Int?) throws {
        guard let free, bytes > free else { return }
        throw StarlingError(
            .failed,
            "dealing the ratings takes \(Numerals.bytes(bytes)) of disk, and \(Numerals.bytes(free)) are free",
            at: .init(file: folder), remedy: "free some, or name an --output on another disk")
    }
}

/// What is done before the first epoch.
package enum GridStep: String, Sendable {
    case dealing = "dealing ratings"
    case building = "building blocks"
}
