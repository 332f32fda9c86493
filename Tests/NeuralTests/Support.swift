import Basics
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch
import Training

/// Whether LibTorch and its plugin are there: `make torch` builds it. Tests of it are skipped otherwise, and their number
/// shows it.
let torch: ConditionTrait = .enabled(if: (try? TorchLibrary.opened()) != nil, "run `make torch` for these tests")

/// Users and items of a few groups: every user interacts within the own group, which genres and an attribute name. Items
/// from `cold` on have no interactions.
struct Groups {
    let users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>
    let history: InteractionMatrix<UserRow, ItemRow>
    let heldOut: InteractionLog
    var features = TwoTower.Features()
    let groups: Int

    init(users userCount: Int = 120, items itemCount: Int = 60, cold: Int = 60, groups: Int = 4, seed: UInt64 = 1) {
        let users = Vocabulary<UserRow>((0..<userCount).map { "\($0)" })
        let items = Vocabulary<ItemRow>((0..<itemCount).map { "\($0)" })
        var random = RandomStream(seed: seed, .test)
        var (rows, columns, heldUsers, heldItems): ([UInt32], [UInt32], [UInt32], [UInt32]) = ([], [], [], [])
        for user in 0..<userCount {
            for item in 0..<cold where item % groups == user % groups {
                let draw = random.below(10)
                if draw < 6 {
                    rows.append(UInt32(user))
                    columns.append(UInt32(item))
                } else if draw < 7 {
                    heldUsers.append(UInt32(user))
                    heldItems.append(UInt32(item))
                }
            }
        }
        (self.users, self.items, self.groups) = (users, items, groups)
        history = InteractionLog(
            users: users, items: items, userRows: rows, itemRows: columns, values: nil, times: nil
        ).userMatrix()
        heldOut = InteractionLog(
            users: users, items: items, userRows: heldUsers, itemRows: heldItems, values: nil, times: nil)
        var catalog = ItemCatalog()
        for item in 0..<itemCount {
            catalog.entries["\(item)"] = .init(title: "T\(item)", genres: ["G\(item % groups)", "any"])
        }
        features.items = catalog
        features.users = UserCatalog(
            attributes: ["taste", "nothing"],
            values: Dictionary(uniqueKeysWithValues: (0..<userCount).map { ("\($0)", ["t\($0 % groups)", ""]) }))
    }

    var options: TwoTowerOptions {
        var options = TwoTowerOptions()
        (options.factors, options.layers, options.batchSize, options.epochs) = (16, [24, 16], 64, 12)
        return options
    }

    func trainer(_ options: TwoTowerOptions, features: Bool = true, validation: Bool = true) throws -> any EpochTrainer
    {
        try TwoTower.trainer(
            on: history, users: users, items: items, features: features ? self.features : .init(),
            validation: validation ? heldOut : nil, options: options, workers: Workers(threads: 2))
    }
}

/// A trainer's weights and state in files.
struct Checkpoint {
    let weights, state: SafeTensorsFile

    init(of trainer: any EpochTrainer) throws {
        func file(_ tensors: [TensorSource], _ name: String) throws -> SafeTensorsFile {
            let path = "/tmp/starling-stream-\(UInt64.random(in: 0 ... .max))-\(name)"
            defer { try? Files.remove(path) }
            try SafeTensors.write(tensors, to: path)
            return try SafeTensorsFile(path)
        }
        (weights, state) = (try file(trainer.weights, "w"), try file(trainer.optimizerState, "o"))
    }

    func restore(_ trainer: any EpochTrainer) throws { try trainer.restore(weights: weights, optimizer: state) }
}
