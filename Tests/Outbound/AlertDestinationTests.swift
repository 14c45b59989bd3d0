import Testing
import WardenCore
import WardenOutbound
import WardenWire

@Suite struct AlertDestinationTests {
    @Test(
        "of a url only scheme and host are shown",
        arguments: [
            ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com"),
            ("http://user:pass@host.example:8080/a?b=c#d", "http://host.example"),
            ("http://user:p@ss@host/", "http://host"),
            ("https://host?token=x", "https://host"),
            ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]"),
            ("https:///x", "an invalid url"), ("no url", "an invalid url"), ("", "an invalid url"),
        ])
    func address(url: String, shown: String) {
        let destination = AlertDestination(name: "ops", url: url)
        #expect(destination.address == shown)
        #expect("\(destination)" == "alert:ops (\(shown))")
        #expect(String(reflecting: destination) == "alert:ops (\(shown))")
    }

    private func alert(_ phase: Alert.Phase, _ condition: Condition, _ outcome: Outcome?) -> Alert {
        let moment = Moment(instant: .origin, wall: WallTime(microseconds: 0))
        let verdict = Verdict(condition: condition, grade: .strong, since: moment, evidence: [], reason: "")
        var incident = Incident(
            id: "1", worker: SlotName(group: "a", process: "b"), generation: Generation(1), at: moment.wall,
            verdict: verdict, action: .alert)
        incident.outcome = outcome
        return Alert(phase: phase, incident: incident)
    }

    @Test("by default trouble that is acted on and what came of it are sent", arguments: Condition.precedence)
    func defaults(condition: Condition) {
        let destination = AlertDestination(name: "ops", url: "https://h/")
        let isTrouble = ["dark", "hung", "bloated", "leaking"].contains(condition.className)
        #expect(destination.wants(alert(.opened, condition, nil)) == isTrouble)
        for outcome in [Outcome.recovered(after: .seconds(1)), .unhelped, .gaveUp] {
            #expect(destination.wants(alert(.closed, condition, outcome)))
        }
        #expect(!destination.wants(alert(.closed, condition, .superseded)))
    }

    @Test("events choose classes and outcomes; none of them means all")
    func chosen() {
        var destination = AlertDestination(name: "ops", url: "https://h/")
        destination.events = ["hung", "gave-up"]
        #expect(destination.wants(alert(.opened, .hung(.silent), nil)))
        #expect(!destination.wants(alert(.opened, .dark(.emfile), nil)))
        #expect(destination.wants(alert(.closed, .dark(.emfile), .gaveUp)))
        #expect(!destination.wants(alert(.closed, .hung(.silent), .unhelped)))
        // Who keeps alerts open hears the end of what it was told.
        destination.format = .alertmanager
        #expect(destination.wants(alert(.closed, .hung(.silent), .superseded)))
        #expect(destination.wants(alert(.resolved, .hung(.silent), .gaveUp)))
        #expect(!destination.wants(alert(.closed, .dark(.emfile), .superseded)))
        destination.events = []
        #expect(destination.wants(alert(.opened, .unknown(.unreadable), nil)))
        #expect(destination.wants(alert(.closed, .hung(.silent), .superseded)))
    }
}
