import Testing
import WardenCore

/// Goal: in worlds so small that every order of events can be tried, none breaks an invariant. Method: all of them, to
/// a depth; from each the daemon is ended as well.
@Suite struct SmallWorldTests {
    @Test(arguments: [
        (1, SupervisionSpec.AutoRestart.always, 7), (1, .unexpected, 6), (1, .never, 6), (2, .always, 4),
    ])
    func everyOrderOfEventsIsGood(slots: Int, autorestart: SupervisionSpec.AutoRestart, depth: Int) {
        let (worlds, violations) = SmallWorld(slots: slots, autorestart: autorestart).explore(depth: depth)
        print("\(worlds) worlds of \(slots) slots, autorestart \(autorestart), to depth \(depth)")
        #expect(violations.isEmpty, "\(violations.prefix(3))")
        #expect(worlds > 10_000)
    }
}
