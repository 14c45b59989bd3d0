import Testing
import WardenCore
import WardenOutbound
import WardenWire

@Suite(.timeLimit(.minutes(1))) struct AlertSenderTests {
    @Test("an alert is posted once with its body, type, key and signature")
    func success() async throws {
        let server = try ScriptedServer(.status(200))
        var target = destination(port: server.port)
        target.secret = "k3y"
        let reports = await server.serving { await deliver([alert(body: "{\"a\":1}")], to: [target]) }
        let expected = DeliveryReport(
            id: 1, destination: "hook", address: "http://127.0.0.1", attempts: 1, result: .delivered)
        #expect(reports.all == [expected])
        #expect(reports.all.first?.description == "alert 1 to hook (http://127.0.0.1) delivered in attempt 1")
        let request = try #require(server.requests.first)
        #expect(server.requests.count == 1)
        #expect(request.body == Array("{\"a\":1}".utf8))
        let lines = request.head.split(separator: "\r\n").map { $0.lowercased() }
        #expect(lines[0] == "post /services/t0secret?token=s3cret http/1.1")
        for line in [
            "content-type: application/json", "webhook-id: incident-1-opened", "webhook-timestamp: 1700000000",
            "webhook-signature: k3y:incident-1-opened.1700000000.{\"a\":1}",
        ] {
            #expect(lines.contains(line))
        }
    }

    @Test("PagerDuty's routing key is in the body that is sent, and Alertmanager's token in a header")
    func secretsOfReceivers() async throws {
        let server = try ScriptedServer(.status(202), .status(200))
        var target = destination(port: server.port)
        target.secret = "k\"3y"
        var other = target
        (target.format, other.format, other.name) = (.pagerduty, .alertmanager, "other")
        await server.serving { _ = await deliver([alert(body: "{\"a\":1}")], to: [target]) }
        #expect(server.requests.map(\.body) == [Array("{\"routing_key\":\"k\\\"3y\",\"a\":1}".utf8)])
        let second = try ScriptedServer(.status(200))
        other.url = "http://127.0.0.1:\(second.port)/"
        await second.serving { _ = await deliver([alert(to: "other", body: "[1]")], to: [other]) }
        #expect(second.requests.map(\.body) == [Array("[1]".utf8)])
        #expect(second.requests.first?.head.contains("Authorization: Bearer k\"3y\r\n") == true)
        for request in server.requests + second.requests {
            #expect(!request.head.lowercased().contains("webhook-signature"))
        }
    }

    @Test("without a secret nothing is signed")
    func unsigned() async throws {
        let server = try ScriptedServer(.status(204))
        let reports = await server.serving { await deliver([alert()], to: [destination(port: server.port)]) }
        #expect(reports.words == ["1 delivered"])
        #expect(server.requests.first?.head.lowercased().contains("webhook-signature") == false)
    }

    @Test("after an error the same alert comes again, after a pause, and later ones behind it")
    func retry() async throws {
        let server = try ScriptedServer(.status(500), .hangUp, .status(200))
        let clock = FakeClock()
        let alerts = [alert(1, body: "a"), alert(2, body: "b"), alert(3, body: "c")]
        let reports = await server.serving {
            await deliver(alerts, to: [destination(port: server.port)], clock: clock)
        }
        #expect(reports.words == ["1 retrying", "1 retrying", "1 delivered", "2 delivered", "3 delivered"])
        #expect(server.requests.map { String(decoding: $0.body, as: UTF8.self) } == ["a", "a", "a", "b", "c"])
        #expect(clock.pauses.count == 2)
        #expect(clock.pauses.first.map { $0 >= .milliseconds(500) && $0 <= .seconds(1) } == true)
        #expect(clock.pauses.last.map { $0 >= .seconds(1) && $0 <= .seconds(2) } == true)
    }

    @Test("a receiver that asks for a pause gets it", arguments: [429, 503])
    func retryAfter(status: Int) async throws {
        let server = try ScriptedServer(.status(status, headers: ["Retry-After: 77"]), .status(200))
        let clock = FakeClock()
        let reports = await server.serving {
            await deliver([alert()], to: [destination(port: server.port)], clock: clock)
        }
        #expect(reports.words == ["1 retrying", "1 delivered"])
        #expect(clock.pauses == [.seconds(77)])
    }

    @Test("it gives up when retry_for is over, and goes on with the next")
    func givesUp() async throws {
        let server = try ScriptedServer(.status(502))
        let clock = FakeClock()
        let alerts = [alert(1, retryFor: .seconds(60)), alert(2, retryFor: .zero)]
        let reports = await server.serving {
            await deliver(alerts, to: [destination(port: server.port)], clock: clock)
        }
        #expect(reports.words.filter { $0 == "1 retrying" }.count == server.requests.count - 2)
        #expect(
            reports.words.suffix(2) == [
                "1 gave up: answered 502 (\(server.requests.count - 1) attempts in 1m)",
                "2 gave up: answered 502 (1 attempts in 1m)",
            ])
        #expect(clock.pauses.reduce(.zero, +) == .seconds(60))
    }

    @Test("a refusal is final, and its words are quoted only when they tell no secret")
    func refused() async throws {
        let head = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
        let server = try ScriptedServer(
            .text("\(head)Content-Length: 10\r\nConnection: close\r\n\r\nno_service"),
            .text("\(head)Content-Length: 30\r\nConnection: close\r\n\r\nCannot POST /services/T0SECRET"))
        let reports = await server.serving {
            await deliver([alert(1), alert(2)], to: [destination(port: server.port)])
        }
        #expect(reports.words == ["1 gave up: answered 404: no_service", "2 gave up: answered 404"])
    }

    @Test("a redirect is not followed, and what it says is shown without its path", arguments: [301, 302, 307, 308])
    func redirect(status: Int) async throws {
        let other = try ScriptedServer(.status(200))
        let location = "Location: http://127.0.0.1:\(other.port)/services/T0SECRET"
        let server = try ScriptedServer(.status(status, headers: [location]))
        let reports = await other.serving {
            await server.serving { await deliver([alert()], to: [destination(port: server.port)]) }
        }
        #expect(
            reports.words == [
                "1 gave up: answered \(status): http://127.0.0.1 (redirects are not followed: correct the url)"
            ])
        #expect(other.requests.isEmpty)
    }

    @Test("an endless answer costs little, whatever its status", arguments: [200, 500])
    func endlessAnswer(status: Int) async throws {
        let server = try ScriptedServer(.endlessBody(status))
        let reports = await server.serving {
            await deliver([alert(retryFor: .zero)], to: [destination(port: server.port)])
        }
        if status == 200 {
            #expect(reports.words == ["1 delivered"])
        } else {
            let words = try #require(reports.words.first)
            #expect(words.hasPrefix("1 gave up: answered 500: xxx"))
            #expect(words.utf8.count < 2 * OutboundLimits.quotedBytes)
        }
        // Socket buffers take what they can; beyond them nothing was let through.
        #expect(server.endlessBytes < 32 * 1024 * 1024)
    }

    @Test("a receiver that never answers fails after the time-out")
    func timeout() async throws {
        let server = try ScriptedServer(.silence)
        var target = destination(port: server.port)
        target.timeout = .milliseconds(500)
        let reports = await server.serving { await deliver([alert(retryFor: .zero)], to: [target]) }
        #expect(reports.words == ["1 gave up: no answer within 500ms (1 attempts in 0ms)"])
    }

    @Test("a body that never comes does not hold the answer back")
    func headOnly() async throws {
        let server = try ScriptedServer(.text("HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\n"))
        let reports = await server.serving { await deliver([alert()], to: [destination(port: server.port)]) }
        #expect(reports.words == ["1 gave up: answered 400"])
    }

    @Test("what is no HTTP is a failure and no answer")
    func noHTTP() async throws {
        let server = try ScriptedServer(.text("SSH-2.0-OpenSSH_9.2\r\n\r\n"))
        let reports = await server.serving {
            await deliver([alert(retryFor: .zero)], to: [destination(port: server.port)])
        }
        #expect(reports.words.count == 1)
        #expect(reports.words.first?.hasPrefix("1 gave up: ") == true)
        #expect(reports.words.first?.contains("answered") == false)
    }

    @Test("nobody listens: the reason is in plain words")
    func connectionRefused() async throws {
        let target = destination(port: try ScriptedServer.freePort())
        let reports = await deliver([alert(retryFor: .zero)], to: [target])
        #expect(reports.words == ["1 gave up: connection refused (1 attempts in 0ms)"])
    }

    @Test("a server that does not speak TLS gets nothing over https")
    func tlsRefused() async throws {
        let server = try ScriptedServer(.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        let reports = await server.serving {
            await deliver([alert(retryFor: .zero)], to: [destination(port: server.port, scheme: "https")])
        }
        #expect(server.requests.isEmpty)
        #expect(reports.words == ["1 gave up: TLS: the server does not speak it (1 attempts in 0ms)"])
    }

    @Test(
        "what is no webhook's url is given up at once",
        arguments: ["ftp://127.0.0.1/T0SECRET", "hooks.example.com/T0SECRET", "http://", ""])
    func invalidURL(url: String) async throws {
        let reports = await deliver([alert()], to: [AlertDestination(name: "hook", url: url)])
        #expect(reports.all.count == 1)
        #expect(reports.words.first?.hasPrefix("1 gave up: ") == true)
        #expect(reports.words.first?.contains("SECRET") == false)
    }
}
