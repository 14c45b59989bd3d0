import Testing
import WardenConfig
import WardenCore

@Suite struct GroupTests {
    private static let programs = """
        [program:a]
        command=/bin/a
        process_name=%(group_name)s-%(program_name)s
        [program:b]
        command=/bin/b
        priority=5
        [program:c]
        command=/bin/c

        """

    /// Goal: members leave their own groups, are named after the group, and keep the order of the list.
    @Test func heterogeneous() throws {
        let result = FakeHost().body(Self.programs + "[group:g]\nprograms=b, a\npriority=7")
        #expect(result.lines == [])
        let groups = try #require(result.configuration?.groups)
        #expect(groups.map(\.name) == ["g", "c"])
        #expect(groups.map(\.priority) == [7, 999])
        #expect(groups.first?.programs.map(\.name.qualified) == ["g:b", "g:g-a"])
        #expect(groups.first?.programs.map(\.program) == ["b", "a"])
        #expect(groups.first?.programs.map(\.supervision.priority) == [5, 999])
    }

    /// Goal: what a group cannot hold is an error at the list.
    @Test(arguments: [
        ("programs=a,d", "there is no program or fcgi-program 'd'; did you mean 'a'?"),
        ("programs=a,", "there is no program or fcgi-program ''"),
        ("programs=listener", "'listener' is an event listener, which cannot be in a group"),
        ("programs=twice", "'twice' is ambiguous: it is a program and an fcgi-program"),
    ])
    func badMembers(option: String, expected: String) {
        let extra = """
            [eventlistener:listener]
            command=/bin/l
            events=TICK_5
            [program:twice]
            command=/bin/t
            [fcgi-program:twice]
            command=/bin/t
            socket=tcp://localhost:1
            [group:g]

            """
        let result = FakeHost().body(Self.programs + extra + option)
        #expect(result.errors.count == 1)
        #expect(result.errors.first?.hasPrefix("[group:g] programs: \(expected)") == true, "\(result.errors)")
    }

    /// Goal: where supervisord silently forgets one of two equal names, Warden says which.
    @Test func collisions() throws {
        let result = FakeHost().body(Self.programs + "[group:c]\nprograms=a\npriority=1\n[group:h]\nprograms=b,b")
        let groups = try #require(result.configuration?.groups)
        #expect(groups.map(\.name) == ["c", "h"])
        #expect(groups.map(\.programs.count) == [1, 1])
        #expect(result.warnings.count == 2)
        #expect(result.warnings.contains { $0.contains("two processes have the name 'h:b'; only the last runs") })
        #expect(result.warnings.contains { $0.contains("there is already a group 'c'") })
    }

    /// Goal: a group without programs is an empty group, with a warning.
    @Test func empty() {
        let result = FakeHost().body("[group:g]")
        #expect(result.configuration?.groups.map(\.programs.count) == [0])
        #expect(result.warnings == ["[group:g] programs: the group has no programs"])
    }

    /// Goal: listeners and fcgi-programs are groups like others; one that a group lists keeps its socket there.
    @Test func pools() throws {
        let result = FakeHost().body(
            """
            [eventlistener:l]
            command=/bin/l
            events=tick_5, PROCESS_STATE
            buffer_size=20
            event_length=bytes
            stdout_capture_maxbytes=10
            stderr_events_enabled=true
            [fcgi-program:f]
            command=/bin/f
            socket=unix:///tmp/%(program_name)s.sock
            user=debian
            numprocs=2
            process_name=%(process_num)d
            [fcgi-program:h]
            command=/bin/h
            socket=tcp://Host:9000
            socket_backlog=5
            [group:g]
            programs=h
            """)
        let groups = try #require(result.configuration).groups
        #expect(groups.map(\.name) == ["g", "l", "f"])
        #expect(groups.map(\.programs.count) == [1, 1, 2])
        #expect(groups.map(\.priority) == [999, -1, 999])
        #expect(
            groups.map(\.pool) == [
                nil, PoolSpec(events: [.tick5, .processState], bufferSize: 20, lengthUnit: .bytes), nil,
            ])
        let file = SharedSocketSpec(address: .unix(path: "/tmp/f.sock"), ownerID: 1000, groupID: 1000)
        let port = SharedSocketSpec(address: .tcp(host: "host", port: 9000), backlog: 5)
        #expect(groups.flatMap(\.programs).map(\.launch.socket) == [port, nil, file, file])
        #expect(groups.flatMap(\.programs).map(\.launch.isListener) == [false, true, false, false])
        // The protocol is neither captured nor told of; errors may be.
        #expect(groups[1].programs.map(\.standardOutput.captureBytes) == [0])
        #expect(groups[1].programs.map(\.standardError?.emitsEvents) == [true])
        #expect(result.lines == [])
    }

    /// Goal: capture mode and output events are read for each stream.
    @Test func capture() throws {
        let result = FakeHost().body(
            "[program:p]\ncommand=/bin/a\nstdout_capture_maxbytes=1KB\nstdout_events_enabled=on")
        let program = try #require(result.configuration?.groups.first?.programs.first)
        #expect(program.standardOutput.captureBytes == 1024)
        #expect(program.standardOutput.emitsEvents)
        #expect(program.standardError.map { [$0.captureBytes == 0, !$0.emitsEvents] } == [true, true])
        #expect(result.lines == [])
    }

    /// Goal: their own options are checked.
    @Test(arguments: [
        ("[eventlistener:l]\ncommand=/bin/l", "[eventlistener:l] has no events; add events=…"),
        ("[eventlistener:l]\ncommand=/bin/l\nevents=TICK_6", "there is no event type 'TICK_6'; did you mean 'TICK_5'?"),
        ("[eventlistener:l]\ncommand=/bin/l\nevents=TICK_5\nbuffer_size=0", "0 must be at least 1"),
        ("[eventlistener:l]\ncommand=/bin/l\nevents=TICK_5\nredirect_stderr=true", "cannot be true"),
        ("[fcgi-program:f]\ncommand=/bin/f", "has no socket"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=unix://x", "'x' is not an absolute path"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=x", "'x' is not tcp://HOST:PORT or unix:///PATH"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=tcp://h:99999", "port 99999 is not between 1 and 65535"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=tcp://h:1\nsocket_mode=0600", "only Unix sockets have an owner"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=tcp://h:1\nsocket_backlog=0", "0 is not between 1 and 65535"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=unix:///s\nsocket_owner=ghost", "no user 'ghost'"),
        ("[fcgi-program:f]\ncommand=/bin/f\nsocket=unix:///s\nsocket_owner=root:ghosts", "no group 'ghosts'"),
    ])
    func poolErrors(text: String, expected: String) {
        let result = FakeHost().body(text)
        #expect(result.errors.count == 1, "\(result.lines)")
        #expect(result.errors.first?.contains(expected) == true, "\(result.lines)")
    }

    /// Goal: a reread tells which groups are new, different and gone.
    @Test func differences() throws {
        let older = try #require(FakeHost().body(Self.programs).configuration)
        let newer = try #require(
            FakeHost().body("[program:b]\ncommand=/bin/b\n[program:c]\ncommand=/bin/c\n[program:d]\ncommand=/bin/d")
                .configuration)
        let found = ConfigurationDifferences(from: older.groups, to: newer.groups)
        #expect(found.added == ["d"])
        #expect(found.changed == ["b"])
        #expect(found.removed == ["a"])
        #expect(ConfigurationDifferences(from: older.groups, to: older.groups).changed == [])
    }
}
