import Interactions
import Testing

/// Logs and matrices under other rows.
@Suite struct AdoptionTests {
    private func log(_ rows: [Row], users: [String]? = nil, items: [String]? = nil) -> InteractionLog {
        let users = Vocabulary<UserRow>(users ?? rows.map(\.user))
        let items = Vocabulary<ItemRow>(items ?? rows.map(\.item))
        return InteractionLog(
            users: users, items: items, userRows: rows.map { UInt32(users.row(of: $0.user)!.index) },
            itemRows: rows.map { UInt32(items.row(of: $0.item)!.index) }, values: rows.map { $0.value ?? 1 },
            times: rows.map { $0.time ?? 0 })
    }

    @Test func unknownItemsAreAppendedAndUnknownUsersLeftOut() {
        let users = Vocabulary<UserRow>(["ann", "bob", "7"])
        let items = Vocabulary<ItemRow>(["3", "20", "100"])
        let rows = [
            Row("bob", "100", 5, 9), Row("eve", "8", 1, 8), Row("ann", "x", 2, 7), Row("bob", "4", 3, 6),
            Row("ann", "3", 4, 5), Row("bob", "x", 1, 4),
        ]
        let adopted = log(rows, items: rows.map(\.item) + ["unused"]).adopted(by: users, items)
        #expect(adopted.rows == rows.filter { $0.user != "eve" })
        #expect(adopted.users.ids == users.ids)
        // "8" is eve's alone, "unused" nobody's.
        #expect(adopted.items.rawIDs == ["3", "20", "100", "4", "x"])
        #expect(adopted.itemRows == [2, 4, 3, 0, 4])

        let known = log([Row("bob", "20")]).adopted(by: users, items)
        #expect(known.items.ids == items.ids && known.itemRows == [1])
    }

    @Test func appendedIDsKeepTheirForm() {
        let integers = Vocabulary<ItemRow>(["5", "40"])
        let more = integers.appending(["7", "-1"])
        #expect(more.ids == .integers([5, 40, 7, -1]) && more.row(of: "-1") == ItemRow(3))
        let texts = integers.appending(["07"])
        #expect(texts.rawIDs == ["5", "40", "07"] && texts.row(of: "40") == ItemRow(1) && texts.row(of: "7") == nil)
    }

    @Test func selectedRows() {
        let rows = [Row("0", "2", 5), Row("0", "0", 4), Row("2", "1", 3), Row("2", "1", 2)]
        let matrix = log(rows, users: ["0", "1", "2"], items: ["0", "1", "2", "3"]).userMatrix()
        let selected = matrix.selecting([2, 1, 0, 2].map { UserRow($0) })
        #expect(selected.offsets == [0, 2, 2, 4, 6] && selected.columnCount == 4)
        #expect(selected.columns == [1, 1, 0, 2, 1, 1] && selected.values == [3, 2, 4, 5, 3, 2])
        let bare = InteractionMatrix<UserRow, ItemRow>(offsets: [0, 1], columns: [3], values: nil, columnCount: 4)
        #expect(bare.selecting([]).offsets == [0] && bare.selecting([UserRow(0)]).values == nil)
    }

    @Test func whichSplitsMakeAValidationPart() throws {
        for (text, makes) in [
            ("random:0.1", true), ("random:0,0.1", false), ("last:1", true), ("temporal:0.1,0.1", true),
            ("temporal:0,0.2", false), ("held-out-users:3", false),
        ] { #expect(try SplitRule(parsing: text).makesValidation == makes, "\(text)") }
    }
}
