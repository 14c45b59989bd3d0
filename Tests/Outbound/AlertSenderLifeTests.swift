import Testing
import WardenCore
import WardenOutbound

@Suite(.timeLimit(.minutes(1))) struct AlertSenderLifeTests {
    /// Runs a sender until `count` reports have come, then cancels it.
    private func reports(
        _ count: Int, _ alerts: [OutboundAlert], to destinations: [AlertDestination]
    ) async -> [String] {
        let reports = Reports()
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let sender = AlertSender(
            destinations: destinations, clock: .system { 0 }, seed: 1, sign: { _, _ in "" },
            report: { report in
                reports.take(report)
                continuation.yield()
            })
        for alert in alerts { _ = sender.submit(alert) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await sender.run() }
            var ticks = stream.makeAsyncIterator()
            for _ in 0..<count { await ticks.next() }
            group.cancelAll()
        }
        return reports.words
    }

    @Test("one that never answers delays no other, not even at the same host; a cancelled attempt is not reported")
    func independence() async throws {
        let silent = try ScriptedServer(.silence)
        let good = try ScriptedServer(.status(200))
        let names = ["silent": silent.port, "good": good.port, "better": good.port]
        let targets = names.map { destination($0, port: $1) }
        let alerts = [
            alert(1, to: "silent"), alert(2, to: "silent"), alert(3, to: "good"), alert(4, to: "good"),
            alert(5, to: "better"),
        ]
        let words = await silent.serving {
            await good.serving { await reports(3, alerts, to: targets) }
        }
        #expect(words.sorted() == ["3 delivered", "4 delivered", "5 delivered"])
    }

    @Test("a cancellation ends a pause, and the alert stays with its owner")
    func cancelledPause() async throws {
        let server = try ScriptedServer(.status(503, headers: ["Retry-After: 3000"]))
        let words = await server.serving { await reports(1, [alert()], to: [destination(port: server.port)]) }
        #expect(words == ["1 retrying"])
    }

    @Test("a destination holds so many and no more; what is refused is counted")
    func full() {
        let sender = AlertSender(
            destinations: [destination(port: 1)], clock: .system { 0 }, sign: { _, _ in "" }, report: { _ in })
        for id in 0..<OutboundLimits.queuedAlerts { #expect(sender.submit(alert(Int64(id))) == .queued) }
        #expect(sender.submit(alert(0)) == .alreadyQueued)
        #expect(sender.submit(alert(-1)) == .full)
        #expect(sender.submit(alert(-1)) == .full)
        #expect(sender.refusedCount == 2)
    }

    @Test("an alert that was reported for good may be submitted again")
    func again() async throws {
        let server = try ScriptedServer(.status(200))
        let reports = Reports()
        let target = destination(port: server.port)
        try await server.serving {
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            let sender = AlertSender(
                destinations: [target], clock: .system { 0 }, sign: { _, _ in "" },
                report: { report in
                    reports.take(report)
                    continuation.yield()
                })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await sender.run() }
                #expect(sender.submit(alert(1)) == .queued)
                #expect(sender.submit(alert(2)) == .queued)
                var ticks = stream.makeAsyncIterator()
                for _ in 0..<2 { await ticks.next() }
                #expect(sender.submit(alert(1)) == .queued)
                sender.finish()
                try await group.waitForAll()
            }
        }
        #expect(reports.words == ["1 delivered", "2 delivered", "1 delivered"])
    }

    @Test("unknown destinations and a finished sender take nothing")
    func takesNothing() async {
        let sender = AlertSender(
            destinations: [destination(port: 1)], clock: .system { 0 }, sign: { _, _ in "" }, report: { _ in })
        #expect(sender.submit(alert(to: "other")) == .noDestination)
        sender.finish()
        #expect(sender.submit(alert()) == .closed)
        await sender.run()
    }
}
