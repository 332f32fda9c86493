import Basics

/// Which named columns of a source hold users, items, values and times: arrays of an archive, columns of shards or of a table.
public struct NamedColumns: Sendable {
    public let user, item: String
    /// Nil where there are none.
    public let value, time: String?

    /// What has the columns, for errors.
    struct Holder {
        /// The file or folder.
        let path: String
        /// What a column and all of them are called: `array`, `archive`.
        let noun, whole: String
        /// How to make columns that are understood.
        let remedy: String
        /// What may be the time where no name says so.
        var times: [String] = []
    }

    /// - Parameters:
    ///   - names: the columns there are.
    ///   - mapping: which the user says they are; nil goes by the names.
    /// - Throws: `usage` if `mapping` names a column that is not there, `badData` if names do not say which are which.
    init(_ names: [String], _ mapping: ColumnMapping?, of holder: Holder) throws {
        func unknown(_ code: StarlingError.Code, _ what: String) -> StarlingError {
            let known = names.prefix(20).map { "“\($0)”" }.joined(separator: ", ")
            let more = names.count > 20 ? ", …" : ""
            return StarlingError(
                code,
                what
                    + (known.isEmpty ? "; the \(holder.whole) holds no \(holder.noun)s" : "; it holds \(known)\(more)"),
                at: .init(file: holder.path),
                remedy: "\(holder.remedy), or name other \(holder.noun)s with --columns user=…,item=…,value=…,time=…")
        }
        if let mapping {
            func name(_ column: ColumnMapping.Column) throws -> String {
                guard case .name(let name) = column, names.contains(name) else {
                    throw unknown(
                        .usage,
                        "--columns names \(holder.noun == "array" ? "an" : "a") \(holder.noun) that is not there")
                }
                return name
            }
            (user, item) = (try name(mapping.user), try name(mapping.item))
            (value, time) = (try mapping.value.map(name), try mapping.time.map(name))
            return
        }
        func only(_ role: TextForm.Role, _ plural: String) throws -> String? {
            if names.contains(plural) { return plural }
            let found = names.filter { HeaderNames.role($0) == role }
            guard found.count <= 1 else { throw unknown(.badData, "several \(holder.noun)s may each be the \(role)") }
            return found.first
        }
        guard let user = try only(.user, "users"), let item = try only(.item, "items") else {
            throw unknown(.badData, "there are no \(holder.noun)s “users” and “items”")
        }
        (self.user, self.item) = (user, item)
        value = try only(.value, "values")
        time = try only(.time, "times") ?? holder.times.first(where: names.contains)
    }

    /// In words, for the report.
    var description: String {
        let roles = [("user", user), ("item", item), ("value", value), ("time", time)]
        return roles.compactMap { role, name in name.map { "\(role) “\($0)”" } }.joined(separator: ", ")
    }
}
