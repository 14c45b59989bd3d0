import Testing
import WardenCore
import WardenWire

/// Events as listeners read them, and listeners as they answer.
@Suite struct EventTests {
    private static let say = SlotName(group: "say", process: "say")
    private static let bad = SlotName(group: "bad", process: "bad")

    private static func state(
        _ name: String, _ group: String, _ state: ProcessState, from: ProcessState, pid: Int32? = nil, tries: Int = 0,
        isExpected: Bool = true
    ) -> Announcement {
        .processState(
            SlotName(group: group, process: name), state, from: from, pid: pid, tries: tries, isExpected: isExpected)
    }

    private static func envelope(
        _ announcement: Announcement, serial: UInt64, pool: String = "all", poolSerial: UInt64? = nil,
        unit: PoolSpec.LengthUnit = .characters
    ) -> String {
        let event = PoolEvent(
            serial: serial, poolSerial: poolSerial ?? serial, pool: pool, lengthUnit: unit, announcement: announcement)
        return String(decoding: EventEnvelope.bytes(event, server: "kit"), as: UTF8.self)
    }

    /// Goal: byte for byte what supervisord 4.3.0 wrote to a listener of EVENT, recorded from one run of it.
    @Test(
        arguments: [
            (0, .groupAdded("all"), "PROCESS_GROUP_ADDED len:14\ngroupname:all\n"),
            (8, .supervisorRunning, "SUPERVISOR_STATE_CHANGE_RUNNING len:0\n"),
            (
                9, state("all", "all", .starting, from: .stopped),
                "PROCESS_STATE_STARTING len:56\nprocessname:all groupname:all from_state:STOPPED tries:0"
            ),
            (
                18, state("bad", "bad", .backoff, from: .starting, tries: 1),
                "PROCESS_STATE_BACKOFF len:57\nprocessname:bad groupname:bad from_state:STARTING tries:1"
            ),
            (
                20, .output(say, pid: 23138, .stdout, .log, "hé"),
                "PROCESS_LOG_STDOUT len:57\nprocessname:say groupname:say pid:23138 channel:stdout\nhé"
            ),
            (
                21, .output(say, pid: 23138, .stdout, .communication, "hé"),
                "PROCESS_COMMUNICATION_STDOUT len:42\nprocessname:say groupname:say pid:23138\nhé"
            ),
            (
                22, .output(say, pid: 23138, .stderr, .log, "err"),
                "PROCESS_LOG_STDERR len:58\nprocessname:say groupname:say pid:23138 channel:stderr\nerr"
            ),
            (
                25, state("f_0", "f", .running, from: .starting, pid: 23111),
                "PROCESS_STATE_RUNNING len:57\nprocessname:f_0 groupname:f from_state:STARTING pid:23111"
            ),
            (
                31, state("bad", "bad", .starting, from: .backoff, tries: 1),
                "PROCESS_STATE_STARTING len:56\nprocessname:bad groupname:bad from_state:BACKOFF tries:1"
            ),
            (32, .tick(.five, when: 1_795_381_440), "TICK_5 len:15\nwhen:1795381440"),
            (33, .tick(.minute, when: 1_795_381_440), "TICK_60 len:15\nwhen:1795381440"),
            (
                35, state("bad", "bad", .fatal, from: .backoff),
                "PROCESS_STATE_FATAL len:48\nprocessname:bad groupname:bad from_state:BACKOFF"
            ),
            (
                36, state("gone", "gone", .exited, from: .running, pid: 23126, isExpected: false),
                "PROCESS_STATE_EXITED len:71\nprocessname:gone groupname:gone from_state:RUNNING expected:0 pid:23126"
            ),
            (
                37, state("say", "say", .exited, from: .running, pid: 23138),
                "PROCESS_STATE_EXITED len:69\nprocessname:say groupname:say from_state:RUNNING expected:1 pid:23138"
            ),
            (39, .remote(type: "typ", data: "daté\nx"), "REMOTE_COMMUNICATION len:15\ntype:typ\ndaté\nx"),
            (
                40, state("idle", "idle", .stopping, from: .running, pid: 23127),
                "PROCESS_STATE_STOPPING len:60\nprocessname:idle groupname:idle from_state:RUNNING pid:23127"
            ),
            (
                41, state("idle", "idle", .stopped, from: .stopping, pid: 23127),
                "PROCESS_STATE_STOPPED len:61\nprocessname:idle groupname:idle from_state:STOPPING pid:23127"
            ),
            (49, .supervisorStopping, "SUPERVISOR_STATE_CHANGE_STOPPING len:0\n"),
        ] as [(UInt64, Announcement, String)])
    func recorded(serial: UInt64, announcement: Announcement, expected: String) {
        let head = "ver:3.0 server:kit serial:\(serial) pool:all poolserial:\(serial) eventname:"
        #expect(Self.envelope(announcement, serial: serial) == head + expected)
    }

    /// Goal: the two numbers stand where they belong, and what was not in that run has supervisord's form too.
    @Test(
        arguments: [
            (.groupRemoved("g"), "PROCESS_GROUP_REMOVED len:12\ngroupname:g\n"),
            (
                state("u", "g", .unknown, from: .stopping, pid: 4),
                "PROCESS_STATE_UNKNOWN len:45\nprocessname:u groupname:g from_state:STOPPING"
            ),
            (.tick(.hour, when: 3600), "TICK_3600 len:9\nwhen:3600"),
            (
                .output(bad, pid: 1, .stderr, .communication, ""),
                "PROCESS_COMMUNICATION_STDERR len:36\nprocessname:bad groupname:bad pid:1\n"
            ),
        ] as [(Announcement, String)])
    func others(announcement: Announcement, expected: String) {
        let text = Self.envelope(announcement, serial: 7, pool: "p", poolSerial: 3)
        #expect(text == "ver:3.0 server:kit serial:7 pool:p poolserial:3 eventname:" + expected)
    }

    /// Goal: `len` counts characters as Python does, or bytes; a line end of two bytes is two characters.
    @Test(arguments: [
        ("wö", 12, 13), ("😀", 11, 14), ("e\u{301}", 12, 13), ("\r\n", 12, 12), ("\u{FFFD}", 11, 13), ("", 10, 10),
    ])
    func lengths(data: String, characters: Int, bytes: Int) {
        let remote = Announcement.remote(type: "abcd", data: data)
        #expect(Self.envelope(remote, serial: 0).contains(" len:\(characters)\n"))
        #expect(Self.envelope(remote, serial: 0, unit: .bytes).contains(" len:\(bytes)\n"))
    }

    /// Goal: Warden's own events are headers that a listener's library can split, then the reason.
    @Test func health() {
        let at = Moment(instant: .origin, wall: WallTime(microseconds: 0))
        let verdict = Verdict(
            condition: .dark(.emfile), grade: .proven, since: at, evidence: [], reason: "256 of 256: full")
        let health = EventEnvelope.payload(of: .health(Self.say, verdict))
        #expect(health == "processname:say groupname:say class:dark cause:emfile grade:proven\n256 of 256: full")
        var incident = Incident(
            id: "i-1", worker: Self.say, generation: Generation(1), at: at.wall, verdict: verdict, action: .restart)
        let opened = EventEnvelope.payload(of: .action(Alert(phase: .opened, incident: incident)))
        let head = "processname:say groupname:say incident:i-1 phase:opened action:restart class:dark cause:emfile "
        #expect(opened == head + "grade:proven outcome:pending\n256 of 256: full")
        incident.outcome = .gaveUp
        let closed = EventEnvelope.payload(of: .action(Alert(phase: .closed, incident: incident)))
        #expect(closed.contains(" phase:closed ") && closed.contains(" outcome:gave-up\n"))
    }

    // MARK: - What listeners say

    private static let said: [(String, [ListenerWord])] = [
        ("", []), ("READ", []), ("READY\n", [.ready]),
        ("READY\nRESULT 2\nOKREADY\n", [.ready, .talking, .result(isOK: true), .ready]),
        ("READY\nRESULT 4\nFAILREADY\n", [.ready, .talking, .result(isOK: false), .ready]),
        ("READY\nRESULT 0\nREADY\n", [.ready, .talking, .result(isOK: false), .ready]),
        ("READY\nRESULT 3\nOK\nREADY\n", [.ready, .talking, .result(isOK: false), .ready]),
        // The word itself is not looked at, and Python's int takes spaces and a sign.
        ("READY\nxxxxxxx +2 \nOK", [.ready, .talking, .result(isOK: true)]),
        ("READY\nRE", [.ready, .talking]), ("hello\n", [.violation(.notReady)]),
        ("READY \n", [.violation(.notReady)]), ("ready\nREADY\n", [.violation(.notReady)]),
        ("READY\nRESULT two\n", [.ready, .talking, .violation(.badResultLine("RESULT two"))]),
        ("READY\nRESULT -1\nX", [.ready, .talking, .violation(.badResultLine("RESULT -1"))]),
        ("READY\n\n", [.ready, .talking, .violation(.badResultLine(""))]),
        ("READY\nRESULT 2\nOKREADX\nREADY\n", [.ready, .talking, .result(isOK: true), .violation(.notReady)]),
        ("READY\nRESULT 99999999\n", [.ready, .talking, .violation(.tooLong)]),
        (
            "READY\nRESULT 99999999999999999999\n",
            [.ready, .talking, .violation(.badResultLine("RESULT 99999999999999999999"))]
        ),
    ]

    /// Goal: the words are the same however the reads are cut.
    @Test(arguments: said) func words(text: String, expected: [ListenerWord]) {
        let bytes = Array(text.utf8)
        for size in 1...max(1, bytes.count) {
            var parser = ListenerParser()
            var words: [ListenerWord] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                words += parser.read(bytes[start..<min(bytes.count, start + size)])
            }
            #expect(words == expected, "in pieces of \(size)")
        }
    }

    /// Goal: a line without an end is not kept for ever.
    @Test func endlessLine() {
        var parser = ListenerParser()
        _ = parser.read(Array("READY\n".utf8))
        var words: [ListenerWord] = []
        for _ in 0..<100 { words += parser.read(Array(repeating: UInt8(ascii: "x"), count: 1000)) }
        #expect(words == [.talking, .violation(.tooLong)])
        #expect(parser.isBroken)
    }
}
