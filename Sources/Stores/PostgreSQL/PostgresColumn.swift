import Basics
import Interactions

/// A column of a table, and what it is read as.
struct PostgresColumn {
    let name: String
    /// As SQL writes it: `character varying(20)`.
    let type: String
    /// The type's name in the catalogue, and its category: N number, S text, D time, B boolean, A array.
    private let typeName, category: String

    /// The columns of a table or view, in order.
    ///
    /// - Throws: `badData` if it is not there.
    static func all(of table: String, _ connection: PostgresConnection, _ location: String) throws -> [PostgresColumn] {
        let rows = try connection.run(
            """
            SELECT attname, format_type(atttypid, atttypmod), base.typname, base.typcategory
            FROM pg_attribute JOIN pg_type own ON own.oid = atttypid
            JOIN pg_type base ON base.oid = CASE own.typtype WHEN 'd' THEN own.typbasetype ELSE own.oid END
            WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """, [SQLName.table(table)])
        guard !rows.isEmpty else {
            throw StarlingError(
                .badData, "there is no table “\(table)”", at: .init(file: location),
                remedy: "name it with ?table=…, with its schema where it needs one: public.ratings")
        }
        return rows.map { PostgresColumn(name: $0[0]!, type: $0[1]!, typeName: $0[2]!, category: $0[3]!) }
    }

    /// A column in a `SELECT`, and how its field is read.
    struct Selected {
        enum Kind { case integer, number, text }
        let expression: String
        let kind: Kind

        func cell(_ fields: inout BinaryRows.Fields) throws -> InteractionCollector.Cell {
            guard let field = try fields.next() else { return .null }
            switch kind {
            case .text: return .text(field.assumingMemoryBound(to: UInt8.self))
            case .integer, .number:
                guard field.count == 8 else { throw BinaryRows.Fields.damaged }
                let bits = Int64(bigEndian: field.loadUnaligned(as: Int64.self))
                return kind == .integer ? .integer(bits) : .number(Double(bitPattern: UInt64(bitPattern: bits)))
            }
        }
    }

    private var isInteger: Bool { ["int2", "int4", "int8"].contains(typeName) }
    private func selected(_ cast: String, _ kind: Selected.Kind) -> Selected {
        Selected(expression: "\(SQLName.quoted(name))\(cast)", kind: kind)
    }

    var asID: Selected { isInteger ? selected("::int8", .integer) : selected("::text", .text) }

    func asValue(_ location: String) throws -> Selected {
        switch category {
        case "N": selected("::float8", .number)
        case "B": selected("::int::float8", .number)
        case "S": selected("::text", .text)
        default: throw wrong("a number", location)
        }
    }

    func asTime(_ location: String) throws -> Selected {
        switch category {
        case "N": isInteger ? selected("::int8", .integer) : selected("::float8", .number)
        case "S": selected("::text", .text)
        case "D" where typeName.hasPrefix("timestamp") || typeName == "date":
            Selected(expression: "extract(epoch FROM \(SQLName.quoted(name)))::float8", kind: .number)
        default: throw wrong("a time", location)
        }
    }

    private func wrong(_ expected: String, _ location: String) -> StarlingError {
        StarlingError(
            .badData, "column “\(name)” is \(type), \(expected) expected", at: .init(file: location),
            remedy: "name another one with --columns user=…,item=…,value=…,time=…")
    }
}
