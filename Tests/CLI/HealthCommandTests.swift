import Testing
import WardenOutbound
import WardenWire
import wardenctl

/// Warden's own commands, for the person at 3 a.m.
@Suite struct HealthCommandTests {
    private static let worker =
        #"{"name":"ami:ami_01","group":"ami","state":"RUNNING","pid":4242,"exit_status":null,"#
        + #""generation":3,"uptime_seconds":525600,"health":{"class":"dark","cause":"emfile","grade":"proven","#
        + #""since":"2026-03-04T05:06:47.000Z","evidence":[{"rule":"free_descriptors","value":3,"threshold":655},"#
        + #"{"rule":"error_line","value":"OSError(24)","threshold":"EMFILE"}]},"fds":65533,"fd_limit":65536,"#
        + #""fd_pid":4250,"rss_bytes":4400000000,"heartbeat_age_seconds":1.25,"restarts":2,"last_restart":{"#
        + #""at":"2026-02-26T05:06:07.000Z","reason":"dark/emfile","outcome":"recovered","recovered_seconds":8.2}}"#
    private static let open =
        #"{"id":"17-ab","worker":"ami:ami_01","generation":3,"at":"2026-03-04T05:06:48.000Z","#
        + #""class":"dark","cause":"emfile","grade":"proven","evidence":[{"rule":"free_descriptors","#
        + #""value":3,"threshold":655}],"action":"restart","outcome":null,"#
        + #""recovered_seconds":null,"held_back_by":null,"reason":"65533 of 65536 descriptors used"}"#
    private static let closed =
        #"{"id":"16-cd","worker":"ami:b","generation":2,"at":"2026-02-26T05:06:07.000Z","#
        + #""class":"hung","cause":"silent","grade":"weak","evidence":[],"action":"alert","outcome":"superseded","#
        + #""recovered_seconds":null,"held_back_by":"budget"}"#
    private static let why =
        #"{"worker":\#(worker),"taken_at":"2026-03-04T05:07:47.000Z","#
        + #""reason":"65533 of 65536 descriptors used","last_line":"Failed \#\u001b[0m","spawn_error":null,"#
        + #""pending_action":"restart begins","health_paused":true,"trend":{"per_hour":417.2,"seconds_to_limit":7500,"#
        + #""observed_seconds":7200},"incidents":[\#(open),\#(closed)],"#
        + #""budgets":[{"class":"dark","cause":"emfile","spent":5,"allowed":5,"exhausted":true}]}"#

    private static func server(_ documents: [String: String]) -> FakeServer {
        let server = FakeServer()
        for (path, text) in documents {
            server.documents[path] = ControlAnswer(status: 200, body: Array(text.utf8))
        }
        return server
    }

    @Test("why tells the verdict first, then what it rests on, then what is done.")
    func whyText() async {
        let server = Self.server(["/api/v1/workers/ami%3Aami_01/why": Self.why])
        #expect(
            await result(of: "why ami:ami_01", server)
                == CommandResult(
                    lines: [
                        "ami:ami_01  RUNNING  pid 4242, up 6d 2h, generation 3",
                        "dark/emfile (proven): alive, but failing, since 2026-03-04 05:06:47 UTC (1m ago)",
                        "  65533 of 65536 descriptors used",
                        "", "evidence:",
                        "  free_descriptors  3  (line: 655)", "  error_line        OSError(24)  (line: EMFILE)",
                        "", "readings:",
                        "  descriptors  65533 of 65536 (99.9 %) in pid 4250",
                        "  trend        grows by 417 an hour (watched for 2h); full in 2h 5m",
                        "  memory       4.1 GiB resident", "  heartbeat    1s ago",
                        "", "last log line:", "  Failed \\x1b[0m",
                        "", "Warden:",
                        "  health is paused: verdicts are shown and not acted on (resume-health ends that)",
                        "  now: restart begins",
                        "  last restart: 2026-02-26 05:06:07 UTC, because of dark/emfile, recovered after 8s",
                        "  restarts: 2 in all",
                        "  budget for dark/emfile: 5 of 5 restarts used; spent, Warden restarts it no more for this",
                        "", "incidents:", "  2026-03-04 05:06:48 UTC  dark/emfile (proven): restart, open",
                        "    65533 of 65536 descriptors used",
                        "  2026-02-26 05:06:07 UTC  hung/silent (weak): alert (held back by budget), superseded",
                    ], exitCode: 0))
    }

    @Test("why goes on with what is decided, what is in the way, what would change it, and how it came to this.")
    func whyStanding() throws {
        let text =
            #"{"worker":{"name":"w","state":"RUNNING"},"taken_at":"2026-03-04T05:07:47.000Z","decision":"restart","#
            + #""held_back_by":["health is paused"],"unconfirmed":["fd_dark in 2 of the last 5 samples"],"#
            + #""outlook":[{"text":"ends with a line","at":null},{"text":"would be hung/silent","#
            + #""at":"2026-03-04T05:08:27.000Z"}],"timeline":[{"at":"2026-03-04T05:06:47.000Z","kind":"verdict","#
            + #""text":"dark/errors (strong): 5 errors"},{"at":"2026-03-04T05:06:48.000Z","kind":"decision","#
            + #""text":"alert"}]}"#
        #expect(
            WhyText.lines(try JSONValue(decoding: Array(text.utf8))).dropFirst(2) == [
                "", "Warden:", "  decided: restart", "", "why nothing more is done:", "  health is paused",
                "", "not yet confirmed:", "  fd_dark in 2 of the last 5 samples",
                "", "what would change it:", "  ends with a line", "  05:08:27 UTC (in 40s)  would be hung/silent",
                "", "time line:", "  2026-03-04 05:06:47 UTC  verdict   dark/errors (strong): 5 errors",
                "  2026-03-04 05:06:48 UTC  decision  alert",
            ])
    }

    @Test(
        "why tells what holds a tree together, where a stop means it",
        arguments: [
            (
                #"{"kill_tree":true,"cgroup":"/sys/fs/cgroup/w/3.1","processes":2,"cpu_pressure_percent":12.34,"#
                    + #""memory_pressure_percent":0,"io_pressure_percent":null}"#,
                [
                    "", "containment:", "  cgroup /sys/fs/cgroup/w/3.1",
                    "  2 processes, 12.3 % of 10 s waiting for CPU",
                ]
            ),
            (
                #"{"kill_tree":true,"cgroup":null,"no_cgroup_because":"cgroup = no"}"#,
                [
                    "", "containment:", "  no cgroup of its own: cgroup = no",
                    "  a process that leaves its parents, its group and its environment behind outlives kill_tree",
                ]
            ),
            (
                #"{"kill_tree":true,"cgroup":"/w/3.1","processes":9,"memory_bytes":1048576,"memory_max_bytes":2097152,"#
                    + #""memory_kills":1,"tasks":4,"tasks_max":20,"refused_tasks":7}"#,
                [
                    "", "containment:", "  cgroup /w/3.1",
                    "  9 processes, memory 1 MiB of 2 MiB, 4 of 20 tasks, 1 killed at memory_max, "
                        + "7 forks refused at tasks_max",
                ]
            ),
            (
                #"{"kill_tree":false,"cgroup":null,"no_cgroup_because":"x","no_limits_because":"no controller"}"#,
                ["", "containment:", "  memory_max and tasks_max do not hold: no controller"]
            ),
            (#"{"kill_tree":false,"cgroup":null,"no_cgroup_because":"cgroup = no"}"#, []), ("null", []),
        ])
    func containment(report: String, lines: [String]) throws {
        let text = #"{"worker":\#(Self.worker),"containment":\#(report)}"#
        let told = WhyText.lines(try JSONValue(decoding: Array(text.utf8)))
        let start = told.firstIndex(of: "containment:").map { $0 - 1 }
        #expect(start.map { Array(told[$0..<($0 + lines.count)]) } ?? [] == lines)
    }

    @Test("why of a worker that is down.")
    func whyDown() throws {
        let text =
            #"{"worker":{"name":"w","state":"FATAL","pid":null,"exit_status":-9,"health":null,"restarts":0},"#
            + #""spawn_error":"Exited too quickly","incidents":[],"budgets":[]}"#
        #expect(
            WhyText.lines(try JSONValue(decoding: Array(text.utf8))) == [
                "w  FATAL  ended by signal 9", "no verdict: it does not run, or is not watched", "  Exited too quickly",
                "", "Warden:", "  restarts: 0 in all",
            ])
    }

    @Test("why and fds bear documents that lack everything.")
    func emptyDocuments() {
        #expect(WhyText.lines(.object([:])).first == "?  ?  ")
        #expect(CensusText.lines(.null).first == "?  pid 0")
        #expect(IncidentText.lines([.object([:])]).count == 1)
    }

    @Test("alert lists whom the daemon tells, and tests them; what did not arrive is a failure.")
    func alerts() async {
        let server = Self.server([
            "/api/v1/alerts": #"[{"name":"ops","format":"slack","address":"https://h","events":["dark","hung"],"#
                + #""has_secret":true}]"#,
            "/api/v1/alerts/ops/test": #"{"name":"ops","address":"https://h","delivered":true,"reason":null}"#,
            "/api/v1/alerts/deaf/test":
                #"{"name":"deaf","address":"https://h","delivered":false,"reason":"answered 500"}"#,
        ])
        #expect(
            await result(of: "alert", server)
                == CommandResult(lines: ["ops  slack  https://h  dark, hung"], exitCode: 0))
        #expect(
            await result(of: "alert test ops", server)
                == CommandResult(lines: ["ops (https://h): delivered"], exitCode: 0))
        let failed = await result(of: "alert test deaf ops", server)
        #expect(failed.lines.first == "deaf (https://h): ERROR (not delivered: answered 500)")
        #expect(failed.exitCode == 1)
        #expect(await result(of: "alert send ops", server).exitCode == 2)
        let none = Self.server(["/api/v1/alerts": "[]"])
        #expect(await result(of: "alert", none).lines.first?.hasPrefix("nobody is told") == true)
    }

    @Test("events: a line for each, of all workers or of some, however they arrive.")
    func events() async {
        let server = Self.server([:])
        server.chunks = [
            ": what happens from here on\n\nid: 7-1\nevent: state\nda",
            #"ta: {"at":"T1","type":"state","worker":"g:a","state":"EXITED","from":"RUNNING","pid":7,"expected":false}"#
                + "\n\n",
            #"data: {"at":"T2","type":"health","worker":"b","class":"dark","cause":"emfile","grade":"proven","#
                + #""reason":"3 free"}"# + "\n\ndata: {\n",
            #"data: {"at":"T3","type":"incident","phase":"closed","incident":{"id":"9","worker":"g:a","class":"hung","#
                + #""cause":"silent","action":"restart","outcome":"recovered"}}"# + "\n\n",
        ]
        let lines = [
            "T1  g:a  EXITED  from RUNNING, pid 7, unexpected", "T2  b  dark/emfile (proven)  3 free",
            "T3  g:a  incident 9 closed  hung/silent, restart: recovered",
        ]
        #expect(await result(of: "events", server) == CommandResult(lines: lines, exitCode: 0))
        #expect(await result(of: "events g:*", server).lines == [lines[0], lines[2]])
        #expect(await result(of: "events --json b", server).lines.first?.hasPrefix(#"{"at":"T2""#) == true)
        #expect(server.asked.last == "STREAM /api/v1/events?last=50&follow=no")
    }

    @Test("fds: count, limits, trend, kinds.")
    func census() async {
        let server = Self.server([
            "/api/v1/workers/w/descriptors": #"{"worker":"w","pid":4250,"fds":65536,"fd_limit":65536,"#
                + #""fd_hard_limit":null,"kinds":[{"kind":"pipe","count":65501},{"kind":"/dev/nvidia0","count":19}],"#
                + #""trend":null}"#
        ])
        #expect(
            await result(of: "fds w", server)
                == CommandResult(
                    lines: [
                        "w  pid 4250", "open descriptors  65536 (100 %)", "soft limit        65536",
                        "hard limit        none",
                        "trend             not watched for long enough", "", "   65501  pipe", "      19  /dev/nvidia0",
                    ], exitCode: 0))
    }

    @Test(
        "Trends in words.",
        arguments: [
            (
                #"{"per_hour":417.2,"seconds_to_limit":7500,"observed_seconds":7200}"#,
                "grows by 417 an hour (watched for 2h); full in 2h 5m"
            ),
            (
                #"{"per_hour":0.25,"seconds_to_limit":null,"observed_seconds":90}"#,
                "grows by 0.3 an hour (watched for 1m 30s)"
            ),
            (#"{"per_hour":-4,"seconds_to_limit":null,"observed_seconds":60}"#, "does not grow (watched for 1m)"),
        ])
    func trends(_ trend: String, _ text: String) throws {
        let census = try JSONValue(decoding: Array(#"{"trend":\#(trend)}"#.utf8))
        #expect(CensusText.lines(census)[4] == "trend             \(text)")
    }

    @Test("incident tells all that is kept of one, and what is not there.")
    func incident() async {
        let forensics =
            #","forensics":{"kinds":[{"kind":"pipe","count":65400},{"kind":"socket","count":98}],"#
            + #""processes":["4242 python3 S do_poll","4250 python3 S futex"],"last_lines":["Failed \u001b[0m"],"#
            + #""threads":["4242 python3 S poll: one of several descriptors"],"python_stacks":["get (queue.py:171)"],"#
            + #""stacks":["4242 do_poll"],"limits":["Max open files 65536 65536 files"],"#
            + #""pressure":["host cpu: some avg10=0.00"],"command_output":"","gaps":["descriptors: out of time"]},"#
            + #""recurrence":{"same_as":"16-zz","time":2}}"#
        let server = Self.server(["/api/v1/incidents/17-ab": Self.open.dropLast() + forensics])
        #expect(
            await result(of: "incident 17-ab", server)
                == CommandResult(
                    lines: [
                        "ami:ami_01, generation 3  2026-03-04 05:06:48 UTC", "dark/emfile (proven): restart, open",
                        "  65533 of 65536 descriptors used", "  same as incident 16-zz, 2nd time",
                        "", "evidence:", "  free_descriptors  3  (line: 655)",
                        "", "descriptors before the end:", "     65400  pipe", "        98  socket",
                        "", "processes (pid, command, state, waiting in):",
                        "  4242 python3 S do_poll", "  4250 python3 S futex",
                        "", "threads (id, name, state, call: waiting for):",
                        "  4242 python3 S poll: one of several descriptors",
                        "", "Python stacks:", "  get (queue.py:171)",
                        "", "kernel stacks (innermost first):", "  4242 do_poll",
                        "", "limits:", "  Max open files 65536 65536 files",
                        "", "pressure:", "  host cpu: some avg10=0.00",
                        "", "last lines of the log:", "  Failed \\x1b[0m",
                        "", "not found out:", "  descriptors: out of time",
                    ], exitCode: 0))
        #expect(await result(of: "incident 99-zz", server).exitCode != 0)
        #expect(await result(of: "incident", server).exitCode == 2)
    }

    @Test("incidents in columns, of all or of one worker.")
    func incidents() async {
        let list = "[\(Self.open),\(Self.closed)]"
        let server = Self.server([
            "/api/v1/incidents?limit=20": list, "/api/v1/incidents?worker=ami%3Ab&limit=3": "[]",
        ])
        #expect(
            await result(of: "incidents", server)
                == CommandResult(
                    lines: [
                        "2026-03-04 05:06:48 UTC  ami:ami_01  dark/emfile (proven): restart, open  17-ab",
                        "2026-02-26 05:06:07 UTC  ami:b       hung/silent (weak): alert (held back by budget), "
                            + "superseded  16-cd",
                    ], exitCode: 0))
        #expect(
            await result(of: "incidents ami:b --limit 3", server)
                == CommandResult(lines: ["No incidents"], exitCode: 0))
        #expect(await result(of: "incidents --json", server) == CommandResult(lines: [list], exitCode: 0))
        #expect(await result(of: "incidents --limit 0", server).exitCode == 2)
    }

    @Test("--json gives the document as it came, before or behind the command.")
    func json() async {
        let server = Self.server(["/api/v1/workers/w/why": Self.why])
        #expect(await result(of: "why w --json", server) == CommandResult(lines: [Self.why], exitCode: 0))
        #expect(await result(of: "why w", server, wantsJSON: true) == CommandResult(lines: [Self.why], exitCode: 0))
    }

    @Test("pause-health and resume-health take names, groups and all.")
    func pausing() async {
        let server = Self.server([
            "/api/v1/workers/g%3Aa/pause-health": "{}", "/api/v1/workers/g%3Aa/resume-health": "{}",
        ])
        server.answers["supervisor.getAllProcessInfo"] = .success(.array([info("g", "a", 20, "RUNNING")]))
        #expect(
            await result(of: "pause-health g:a no", server)
                == CommandResult(
                    lines: ["g:a: health paused", "no: ERROR (no such process)"], exitCode: 1))
        #expect(
            await result(of: "pause-health g:a --for 2h", server)
                == CommandResult(lines: ["g:a: health paused for 2h"], exitCode: 0))
        #expect(server.asked.last == #"POST /api/v1/workers/g%3Aa/pause-health {"for_seconds":7200}"#)
        #expect(await result(of: "pause-health g:a --for soon", server).exitCode == 2)
        #expect(
            await result(of: "resume-health g:*", server)
                == CommandResult(lines: ["g:a: health resumed"], exitCode: 0))
        #expect(
            await result(of: "resume-health all", server)
                == CommandResult(lines: ["g:a: health resumed"], exitCode: 0))
        #expect(
            await result(of: "pause-health h:*", server)
                == CommandResult(lines: ["h: ERROR (no such group)"], exitCode: 1))
    }

    @Test("drill says what is pretended, what was found, what is decided, and whether it is proved.")
    func drill() async {
        let begun =
            #"{"worker":"g:a","kind":"memory","act":true,"limit_seconds":120,"means":"pretending","class":null,"#
            + #""end":null}"#
        let done =
            #"{"worker":"g:a","kind":"memory","act":true,"limit_seconds":120,"means":"pretending","class":"bloated","#
            + #""cause":"rss","grade":"proven","reason":"drill: 2 GiB","detected_after_seconds":12,"#
            + #""decision":"restart","incident":"17-ab","outcome":"OUTCOME","recovered_seconds":4,"end":"done"}"#
        let path = "/api/v1/workers/g%3Aa/drill"
        let server = Self.server([
            path: begun, "\(path)/watch": done.replacing("OUTCOME", with: "recovered"), "\(path)/stop": begun,
        ])
        #expect(
            await result(of: "drill g:a memory --act --for 2m", server)
                == CommandResult(
                    lines: [
                        "g:a: drill memory, at most 2m; what is decided is done", "  pretending",
                        "  bloated/rss (proven): drill: 2 GiB", "  detected after 12s", "  decision: restart",
                        "  incident: 17-ab", "  outcome: recovered after 4s", "g:a: drill passed",
                    ], exitCode: 0))
        #expect(
            server.asked.first
                == "POST \(path) " + #"{"kind":"memory","act":true,"lease_seconds":15,"for_seconds":120}"#)
        server.documents["\(path)/watch"]?.body = Array(done.replacing("OUTCOME", with: "unhelped").utf8)
        #expect(await result(of: "drill g:a memory --act", server).exitCode == 1)
        #expect(
            await result(of: "drill g:a stop", server)
                == CommandResult(lines: ["g:a: drill memory stopped"], exitCode: 0))
        #expect(await result(of: "drill g:a earthquake", server).exitCode == 2)
        server.documents[path] = ControlAnswer(
            status: 500, body: Array(#"{"detail":"FAILED: g:a cannot be drilled: it is hung/silent"}"#.utf8))
        #expect(
            await result(of: "drill g:a hang", server)
                == CommandResult(
                    lines: ["g:a: ERROR (FAILED: g:a cannot be drilled: it is hung/silent)"], exitCode: 1))
    }

    @Test("A server without health is told from a worker that does not exist, and a problem is quoted.")
    func refusals() async {
        let server = FakeServer()
        #expect(
            await result(of: "why w", server)
                == CommandResult(
                    lines: ["w: ERROR (unix:///run/fake.sock knows nothing of health: it is not Warden)"], exitCode: 3))
        server.documents["/api/v1/workers/w/why"] = ControlAnswer(
            status: 404, body: Array(#"{"detail":"no worker named w"}"#.utf8))
        #expect(
            await result(of: "why w", server)
                == CommandResult(lines: ["w: ERROR (no such process)"], exitCode: 1))
        server.documents["/api/v1/workers/w/why"] = ControlAnswer(
            status: 503, body: Array(#"{"detail":"too many requests wait"}"#.utf8))
        #expect(
            await result(of: "why w", server)
                == CommandResult(lines: ["w: ERROR (too many requests wait)"], exitCode: 1))
        server.documents["/api/v1/workers/w/why"] = ControlAnswer(status: 200, body: Array("<html>".utf8))
        #expect(await result(of: "why w", server).exitCode == 1)
    }
}
