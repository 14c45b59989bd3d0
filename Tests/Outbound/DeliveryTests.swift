import Testing
import WardenCore
import WardenOutbound

@Suite struct DeliveryTests {
    private func first(_ answer: PostAnswer, retryFor: Duration = .seconds(3600)) -> DeliveryReport.Result {
        var delivery = Delivery(began: .origin, retryFor: retryFor)
        var dice = Dice(seed: 7)
        return delivery.tried(answer, at: .origin, dice: &dice)
    }

    @Test("every status is success, final or worth another attempt", arguments: 100..<1000)
    func statuses(status: Int) {
        let result = first(.answered(status: status, retryAfter: nil, detail: ""))
        switch (status, result) {
        case (200..<300, .delivered), (408, .retrying), (425, .retrying), (429, .retrying), (500..., .retrying): break
        case (200..<300, _), (408, _), (425, _), (429, _), (500..., _): Issue.record("\(status): \(result)")
        case (_, .gaveUp): break
        default: Issue.record("\(status): \(result)")
        }
    }

    @Test("a wish that reaches past retry_for is not waited for", arguments: [59, 60, 61])
    func wish(seconds: Int) {
        let answer = PostAnswer.answered(status: 429, retryAfter: .seconds(seconds), detail: "")
        let result = first(answer, retryFor: .seconds(60))
        #expect(
            result
                == (seconds <= 60
                    ? .retrying(after: .seconds(seconds), reason: "answered 429")
                    : .gaveUp(reason: "answered 429 (asks for 1m 1s, which is past retry_for)")))
    }

    @Test("a wish for no pause at all does not make a busy loop")
    func noPause() {
        let result = first(.answered(status: 503, retryAfter: .zero, detail: ""))
        guard case .retrying(let pause, _) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(pause >= OutboundLimits.backoffFirst / 2)
    }

    @Test("pauses double up to their maximum, with jitter, and the last attempt is on the deadline", arguments: 0..<20)
    func backoff(seed: UInt64) {
        let retryFor = Duration.seconds(7200)
        var delivery = Delivery(began: Instant(nanoseconds: 5), retryFor: retryFor)
        var dice = Dice(seed: seed)
        var now = Instant(nanoseconds: 5)
        var expected = OutboundLimits.backoffFirst
        while true {
            let result = delivery.tried(.failed(reason: "no answer"), at: now, dice: &dice)
            guard case .retrying(let pause, "no answer") = result else {
                #expect(result == .gaveUp(reason: "no answer (\(delivery.attempts) attempts in 2h)"))
                break
            }
            #expect(pause <= expected)
            #expect(pause >= expected / 2 || now + pause == Instant(nanoseconds: 5) + retryFor)
            now = now + pause
            expected = min(expected * 2, OutboundLimits.backoffMaximum)
        }
        #expect(now == Instant(nanoseconds: 5) + retryFor)
    }

    @Test("attempts are bounded even where time stands still")
    func attempts() {
        var delivery = Delivery(began: .origin, retryFor: .seconds(Int64.max))
        var dice = Dice(seed: 1)
        var results: [DeliveryReport.Result] = []
        for _ in 0..<OutboundLimits.attempts {
            results.append(delivery.tried(.failed(reason: "x"), at: .origin, dice: &dice))
        }
        #expect(results.last == .gaveUp(reason: "x (1000 attempts in 0ms)"))
        #expect(results.dropLast().allSatisfy { if case .retrying = $0 { true } else { false } })
    }

    @Test("what cannot be posted is given up at once")
    func impossible() {
        #expect(first(.impossible(reason: "invalid url")) == .gaveUp(reason: "invalid url"))
    }

    @Test(
        "Retry-After is seconds or a date beside the answer's own",
        arguments: [
            ("0", nil, 0), ("120", nil, 120), ("1.5", nil, 1.5), ("-3", nil, 0), ("1e300", nil, 8_640_000),
            ("nan", nil, nil), ("", nil, nil), ("soon", nil, nil),
            ("Sun, 06 Nov 1994 08:49:37 GMT", nil, nil),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:48:30 GMT", 67),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 09:48:30 GMT", 0),
            ("Fri, 01 Mar 2024 00:00:00 GMT", "Wed, 28 Feb 2024 23:59:59 GMT", 86401),
            ("Sat, 01 Mar 2025 00:00:00 GMT", "Fri, 28 Feb 2025 23:59:59 GMT", 1),
            ("Wed, 01 Jan 2025 00:00:01 GMT", "Tue, 31 Dec 2024 23:59:59 GMT", 2),
            ("Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 8:x:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", nil),
        ] as [(String, String?, Double?)])
    func retryAfter(value: String, date: String?, seconds: Double?) {
        #expect(RetryAfter.parse(value, date: date) == seconds.map { Duration.seconds($0) })
    }
}
