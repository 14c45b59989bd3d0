import FoundationEssentials
import Testing
import WardenConfig
import WardenCore

/// The annotated example, `etc/warden.conf`.
@Suite struct ExampleTests {
    private static let text: String = {
        let path = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/etc/warden.conf"
        return FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }()

    private static let world: FakeHost = {
        var world = FakeHost()
        world.directories.formUnion(["/run/warden", "/var/log/warden", "/var/lib/warden"])
        return world
    }()

    /// Goal: the example loads without any diagnostic and runs the three workers as their users have them.
    @Test func loads() throws {
        let result = Self.world.load(Self.text)
        #expect(result.lines == [])
        let configuration = try #require(result.configuration)
        #expect(configuration.groups.count == 1)
        #expect(
            result.programs.map(\.name.qualified)
                == ["00", "01", "02"].map { "ami-antenna-worker:ami-antenna-worker_" + $0 })
        #expect(configuration.daemon.minimumDescriptors == 65536)
        #expect(configuration.unixServers.map(\.path) == ["/run/warden/warden.sock"])
        #expect(configuration.client?.serverURL == "unix:///run/warden/warden.sock")
        #expect(configuration.rpcNamespaces == ["supervisor"])
        let worker = try #require(result.programs.last)
        #expect(worker.launch.arguments == ["/home/debian/miniconda3/bin/ami", "worker", "run"])
        #expect(worker.launch.environment["AMI_ANTENNA_SERVICE_NAME"] == "gpu7-02")
        #expect(worker.launch.environment["AMI_NUM_WORKERS"] == "1")
        #expect(worker.launch.environment.count == 9)
        #expect(worker.launch.user?.name == "debian")
        #expect(worker.supervision.autorestart == .always)
        #expect(worker.supervision.isNamedByHealthSection)
        #expect(worker.standardOutput.destination == .file("/var/log/warden/ami-antenna-worker_02.out.log"))
        #expect(worker.health.heartbeatTimeout == .seconds(300))
        #expect(worker.health.actions[.dark(.emfile)] == .restart)
        #expect(worker.health.actions[.dark(.errors)] == .alert)
    }

    /// Goal: the example's patterns tell the worker's lines apart.
    @Test(arguments: [
        ("2026-04-29 12:00:00 [info     ] [GPU 0] Checking for jobs for pipelines: a, b", true, false, false),
        ("2026-04-29 12:00:00 [info     ] [GPU 0] No jobs found, sleeping for 5 seconds", true, false, false),
        ("2026-04-29 12:00:00 [info     ] Batch 1: 0.50s/image, Classification time: 0.10s", true, true, false),
        ("2026-04-29 12:00:00 [info     ] Done, detections: 24. Detecting time: 1", true, true, false),
        (
            "2026-04-29 12:00:00 [error    ] Failed to fetch jobs from https://x: Too many open files", false, false,
            true
        ),
        ("2026-04-29 12:00:00 [error] Failed to fetch jobs", false, false, true),
        ("    logger.error(f\"[GPU 0] Checking for jobs [error    ]\")", false, false, false),
        ("[2026-04-29 12:00:00] Batch 1: x", false, false, false),
    ])
    func patterns(line: String, isAlive: Bool, isProgress: Bool, isError: Bool) throws {
        let health = try #require(Self.world.load(Self.text).programs.first?.health)
        func matches(_ pattern: String?) throws -> Bool {
            line.firstMatch(of: try Regex(#require(pattern))) != nil
        }
        #expect(try matches(health.alivePattern) == isAlive)
        #expect(try matches(health.progressPattern) == isProgress)
        #expect(try matches(health.errorPattern) == isError)
    }

    /// Goal: every option that the example shows in a comment is a real one and has a good value.
    @Test func commentedOptions() {
        var world = Self.world
        world.environment["WARDEN_ALERT_URL"] = "https://hooks.example.org/x"
        world.environment["WARDEN_ALERT_SECRET"] = "whsec_MfKQ9r8GKYqrTwjU"
        world.files["/etc/warden/tls/certificate.pem"] = ""
        world.files["/etc/warden/tls/key.pem"] = ""
        let enabled = Self.text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix(";") && !line.hasPrefix("; ") && line.contains { $0 == "=" || $0 == "[" }
                ? line.dropFirst() : line
        }
        let result = world.load(enabled.joined(separator: "\n"))
        #expect(result.errors == [])
        #expect(result.warnings.filter { !$0.contains("no file matches") && !$0.contains("this version") } == [])
        #expect(enabled.count > 100)
    }

    /// Goal: however the example is damaged, the loader answers a configuration or an error, and never traps.
    @Test(arguments: 0..<400)
    func fuzz(seed: Int) {
        var dice = Dice(seed: UInt64(seed))
        let result = Self.world.load(Mutation.mutate(Self.text, &dice))
        #expect((result.configuration == nil) == !result.errors.isEmpty)
        #expect(result.diagnostics.allSatisfy { !$0.message.isEmpty && !$0.message.contains("\n") && $0.line >= 0 })
    }
}

/// Small damages to a text.
enum Mutation {
    private static let pieces = [
        "%", "%(", "%(here)s", "%(ENV_TOKEN)s", "%(process_num)9999999d", "[", "]", "=", ":", ";", "#", "\n", "\r\n",
        "\n ",
        "\"", "'", "\\", "\0", "\u{FF}", "\u{1F600}", "-1", "99999999999999999999", "0x", "none", "..", " in ", " of ",
        "[program:", "[group:g]\nprograms=", "[health:", "numprocs=100000\n", "[DEFAULT]\n", "[include]\nfiles=*\n",
        "~", "/",
    ]

    static func mutate(_ text: String, _ dice: inout Dice) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...12, using: &dice) {
            let start = Int.random(in: 0...scalars.count, using: &dice)
            let end = min(scalars.count, start + Int.random(in: 0...40, using: &dice))
            switch Int.random(in: 0..<4, using: &dice) {
            case 0: scalars.removeSubrange(start..<end)
            case 1:
                scalars.insert(contentsOf: scalars[start..<end], at: Int.random(in: 0...scalars.count, using: &dice))
            case 2:
                scalars.insert(
                    contentsOf: pieces.randomElement(using: &dice).map { Array($0.unicodeScalars) } ?? [], at: start)
            default:
                guard start < scalars.count else { continue }
                scalars[start] = Unicode.Scalar(UInt8.random(in: 0...255, using: &dice))
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
