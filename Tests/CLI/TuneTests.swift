import Testing
import WardenOutbound
import WardenWire
import wardenctl

/// Goal: a section that can be used as it is, with what was seen beside each value; or a polite no.
@Suite struct TuneTests {
    private static func why(_ watched: Int, _ rest: String) -> ControlAnswer {
        ControlAnswer(
            status: 200,
            body: Array(
                #"{"observed":{"program":"ami","watched_seconds":\#(watched),"generations":2,\#(rest)}}"#.utf8))
    }

    private static func server() -> FakeServer {
        let server = FakeServer()
        server.answers["supervisor.getAllProcessInfo"] = .success(
            .array([info("ami", "ami_00", 20, "RUNNING"), info("ami", "ami_01", 20, "RUNNING")]))
        server.documents["/api/v1/workers/ami%3Aami_00/why"] = why(
            7200,
            #""line_times":900,"longest_silence_seconds":12,"progress_times":80,"longest_progress_gap_seconds":null,"#
                + #""longest_first_progress_seconds":31,"fds":700,"fd_limit":1024,"rss_bytes":104857600"#)
        server.documents["/api/v1/workers/ami%3Aami_01/why"] = why(
            3600,
            #""line_times":100,"longest_silence_seconds":40,"progress_times":20,"longest_progress_gap_seconds":65,"#
                + #""longest_first_progress_seconds":null,"fds":20,"fd_limit":1024,"rss_bytes":209715200"#)
        return server
    }

    @Test("A group: the extremes of all its workers")
    func group() async {
        #expect(
            await result(of: "tune ami", Self.server())
                == CommandResult(
                    lines: [
                        "; seen well for 3h over 4 start(s), since the daemon began", "[health:ami]",
                        "; longest time without a line: 40s, in 1000 lines; four times that",
                        "heartbeat_timeout = 180s".replacing("180s", with: "3m"),
                        "; longest time without progress while work was waiting: 1m 5s; four times that",
                        "progress_timeout = 270s",
                        "; longest start up to the first progress line: 31s; twice that", "grace = 90s",
                        "; most memory: 200 MiB; a quarter above it, and half",
                        "rss_warning = 250MB", "rss_limit = 300MB",
                        "; most descriptors: 700, 68.4 % of the limit", "fd_warning = 84%", "fd_dark = 95%",
                        "; more than half is in use: in the program's section, rlimit_nofile = 4096",
                    ], exitCode: 0))
    }

    @Test("Too little was seen, nobody of that name, and a wrong option")
    func refusals() async {
        let server = Self.server()
        #expect(
            await result(of: "tune ami:ami_01 --least 6h", server)
                == CommandResult(
                    lines: [
                        "ami: seen well for 1h so far, which is too little to go by; "
                            + "ask again after 6h, or with --least"
                    ], exitCode: 1))
        #expect(
            await result(of: "tune nobody", server)
                == CommandResult(lines: ["nobody: ERROR (no such process or group)"], exitCode: 1))
        #expect(await result(of: "tune ami --least soon", server).exitCode == 2)
    }

    @Test("What was not seen is said, and not proposed")
    func nothing() {
        let lines = TuneText("w", [.object([:])]).lines
        #expect(lines.count == 7 && lines.dropFirst(2).allSatisfy { $0.hasPrefix("; ") })
    }
}
