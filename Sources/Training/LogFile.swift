import Basics
import Formats
import Interactions

/// An interaction log as tensors: `users` and `items` U32 row numbers, `values` F32 and `times` I64 where it has
/// them, all `[interactions]`.
enum LogFile {
    static func tensors(_ log: InteractionLog) -> [TensorSource] {
        var tensors = [TensorSource(name: "users", log.userRows), TensorSource(name: "items", log.itemRows)]
        if let values = log.values { tensors.append(TensorSource(name: "values", values)) }
        if let times = log.times { tensors.append(TensorSource(name: "times", times)) }
        return tensors
    }

    /// - Throws: `failed` if columns differ in length or a row lies outside the vocabularies.
    static func log(
        _ file: SafeTensorsFile, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>
    ) throws -> InteractionLog {
        let userRows = try file.tensor("users").uint32s()
        let itemRows = try file.tensor("items").expect(shape: [userRows.count]).uint32s()
        for (noun, rows, count) in [("user", userRows, users.count), ("item", itemRows, items.count)] {
            if let row = rows.max(), row >= count {
                throw StarlingError(.failed, "\(noun) row \(row) of \(count)", at: .init(file: file.path))
            }
        }
        func column<Value>(_ name: String, _ read: (TensorView) throws -> [Value]) throws -> [Value]? {
            guard file.contains(name) else { return nil }
            return try read(try file.tensor(name).expect(shape: [userRows.count]))
        }
        return InteractionLog(
            users: users, items: items, userRows: userRows, itemRows: itemRows,
            values: try column("values") { try $0.floats() }, times: try column("times") { try $0.int64s() })
    }
}
