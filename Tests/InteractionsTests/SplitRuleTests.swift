import Basics
import Interactions
import Testing

@Suite struct SplitRuleTests {
    @Test(arguments: [
        ("random:0.1", SplitRule.random(validation: 0.1, test: 0)),
        ("random:0.1,0.25", .random(validation: 0.1, test: 0.25)),
        ("random:0", .random(validation: 0, test: 0)),
        ("last:1", .last(1)), ("last:3", .last(3)),
        ("temporal:0.2", .temporal(validation: 0.2, test: 0)),
        ("temporal:0.1,0.1", .temporal(validation: 0.1, test: 0.1)),
        ("held-out-users:500", .heldOutUsers(500)),
    ])
    func isReadAndWritten(text: String, rule: SplitRule) throws {
        #expect(try SplitRule(parsing: text) == rule)
        #expect(try SplitRule(parsing: "\(rule)") == rule)
    }

    @Test(arguments: [
        "", "random", "random:", "random:x", "random:0.1,0.2,0.3", "random:1", "random:0.5,0.5", "random:-0.1",
        "random:nan", "last:0", "last:1.5", "last:-1", "last", "temporal:2", "held-out-users:", "held-out-users:0",
        "leave-one-out", "random:0.1,",
    ])
    func nonsenseIsRefused(text: String) {
        #expect {
            try SplitRule(parsing: text)
        } throws: { error in
            guard let error = error as? StarlingError else { return false }
            return error.code == .usage && error.remedy != nil
        }
    }
}
