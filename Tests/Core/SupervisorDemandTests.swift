import Testing
import WardenCore

/// Goal: a question about demand never harms: unknown stays unknown, is said, and is asked again.
@Suite struct SupervisorDemandTests {
    func world(_ demand: HealthSpec.DemandSource) -> World {
        var world = World([group { $0.health.demand = demand }])
        world.boot()
        world.pass(5)
        return world
    }

    func reading(_ world: inout World) -> DemandAnswer? { world.snapshots().first?.demand?.answer }

    @Test("A URL is fetched with the sample that finds it due, and again only when the answer has come")
    func fetched() {
        var world = world(.http("http://h/q#/n"))
        #expect(reading(&world) == .unknown(reason: "not asked yet"))
        #expect(words(world.sample(0)) == ["query 1 http://h/q#/n"])
        world.pass(5)
        #expect(words(world.sample(0)).isEmpty)
        world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 0, output: "7.0"))))
        #expect(reading(&world) == .amount(7))
        world.pass(5)
        #expect(words(world.sample(0)).isEmpty)
        world.pass(5)
        #expect(words(world.sample(0)) == ["query 1 http://h/q#/n"])
    }

    @Test(
        "What is no number is unknown, with the reason",
        arguments: [
            (HookResult.exited(code: 0, output: "3 jobs\n"), DemandAnswer.amount(3)),
            (.exited(code: 0, output: "0"), .amount(0)),
            (.exited(code: 0, output: ""), .unknown(reason: "it printed nothing")),
            (.exited(code: 0, output: "many"), .unknown(reason: "'many' is not a number")),
            (.exited(code: 0, output: "nan"), .unknown(reason: "'nan' is not a number")),
            (.exited(code: 0, output: "-1"), .unknown(reason: "-1 is no amount of work")),
            (.exited(code: 2, output: "no server\nx"), .unknown(reason: "exit status 2: no server")),
            (.failed(reason: "timed out"), .unknown(reason: "timed out")),
            (.couldNotRun(reason: "no such file"), .unknown(reason: "no such file")),
        ])
    func answers(_ result: HookResult, _ expected: DemandAnswer) {
        var world = world(.command("count"))
        world.sample(0)
        world.settle(.worker(world.worker(0), .hookEnded(.demand, result)))
        #expect(reading(&world) == expected)
    }

    @Test("A query that fails for ever never makes a worker ill, and does not hide what is known otherwise")
    func failuresAreHarmless() {
        var world = world(.http("http://h/q#/n"))
        for _ in 0..<200 {
            world.pass(5)
            let asked = words(world.sample(0)).contains { $0.hasPrefix("query") }
            if asked { world.settle(.worker(world.worker(0), .hookEnded(.demand, .failed(reason: "refused")))) }
        }
        #expect(world.snapshots().first?.verdict?.condition == .healthy)
        #expect(world.objections.isEmpty)
    }

    @Test("The answer belongs to a generation")
    func forgotten() {
        var world = world(.http("http://h/q#/n"))
        world.sample(0)
        world.settle(.worker(world.worker(0), .hookEnded(.demand, .exited(code: 0, output: "7"))))
        _ = world.exits(0, .code(1))
        #expect(reading(&world) == .unknown(reason: "not asked yet"))
    }
}
