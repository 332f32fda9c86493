import Basics
import Interactions
import Testing

@Suite struct CoreTests {
    /// Taking away item 3 makes user 3 too poor, that item 4, and so on: one round is not enough.
    @Test func repeatsUntilStable() throws {
        let text = "user,item\n1,1\n1,2\n2,1\n2,2\n3,2\n3,4\n4,4\n4,3\n"
        let loaded = try load(text) { ($0.minimumPerUser, $0.minimumPerItem) = (2, 2) }
        #expect(loaded.log.rows == [Row("1", "1"), Row("1", "2"), Row("2", "1"), Row("2", "2")])
        #expect(loaded.log.users.rawIDs == ["1", "2"] && loaded.log.items.rawIDs == ["1", "2"])
        #expect(loaded.report.usersRemoved == 2 && loaded.report.itemsRemoved == 2 && loaded.report.rowsRemoved == 4)
    }

    @Test func nothingLeft() {
        let error = failure { _ = try load("user,item\n1,1\n2,2\n") { $0.minimumPerUser = 2 } }
        #expect(error?.code == .badData && error?.remedy?.contains("--min-user") == true)
    }

    /// Once the ids that are no integers are gone, the others are integers, and sorted as such.
    @Test func vocabulariesAreMadeAnew() throws {
        let text = "user,item\n10,1\n10,2\n9,1\n9,2\nx,1\n"
        let loaded = try load(text) { $0.minimumPerUser = 2 }
        #expect(loaded.log.users.ids == .integers([9, 10]))
        #expect(loaded.log.rows == [Row("10", "1"), Row("10", "2"), Row("9", "1"), Row("9", "2")])
    }

    @Test func afterDuplicates() {
        let text = "user,item\n1,1\n1,1\n2,1\n"
        let error = failure {
            _ = try load(text) {
                $0.duplicates = .first
                $0.minimumPerUser = 2
            }
        }
        #expect(error?.code == .badData)
    }
}
