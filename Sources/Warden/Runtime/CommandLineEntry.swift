import WardenConfig
import WardenLinux

/// What `warden` does with its command line, until it ends.
package enum CommandLineEntry {
    /// Exit codes: 0 for a good end, 2 for bad usage, configuration or surroundings, as supervisord's.
    private static let failure: Int32 = 2

    /// Runs the daemon, or answers what was asked. Does not return.
    package static func run() -> Never {
        SignalSource.blockForProcess()
        let legacy = DaemonProcess.takeLegacy()
        do throws(UsageError) {
            switch try DaemonArguments.parse(Array(CommandLine.arguments.dropFirst())) {
            case .help: finish(0, DaemonArguments.help)
            case .version: finish(0, Version.text + "\n")
            case .run(let arguments): serve(arguments, legacy)
            }
        } catch {
            fail("\(error)")
        }
    }

    private static func serve(_ arguments: DaemonArguments, _ legacy: DaemonProcess.Legacy) -> Never {
        let path = configurationPath(arguments)
        var result = ConfigurationReader(path: path, arguments: arguments).load()
        if case .none = legacy, !arguments.isCheck { awaitMending(&result, path, arguments) }
        let report = DiagnosticReport(result.diagnostics)
        if arguments.isCheck {
            finish(report.exitCode, report.text)
        }
        if case .trial(let number) = legacy {
            if let refusal = Legacy.refusal(number, result) { fail(refusal) }
            finish(0, "")
        }
        guard let configuration = result.configuration ?? result.remainder?.configuration else {
            fail(report.text + "Error: the configuration has errors; nothing was started")
        }
        StandardError.write(report.text)
        do throws(Daemon.StartFailure) {
            let daemon = try Daemon(
                configuration: configuration, refusal: PartialConfiguration(result), path: path, arguments: arguments,
                legacy: told(legacy))
            switch try daemon.run() {
            case .stopped: finish(0, "")
            case .failed: finish(1, "")
            case .restarts: fail("Error: \(DaemonProcess.executeAnew())")
            }
        } catch {
            fail(error.description)
        }
    }

    /// After a crash the workers are still there: a configuration that was broken meanwhile must not cost them their
    /// supervisor for good. It is read again until it is good.
    private static func awaitMending(_ result: inout LoadResult, _ path: String, _ arguments: DaemonArguments) {
        var said = ""
        while result.configuration == nil, result.remainder?.configuration == nil, PassedDescriptors.holdState() {
            let text = DiagnosticReport(result.diagnostics).text
            if text != said {
                StandardError.write(
                    text + "Error: the configuration has errors; the workers of the former daemon go on "
                        + "unwatched until it is mended\n")
                said = text
            }
            if SignalSource.waitForEnd(atMost: .seconds(1)) { finish(0, "") }
            result = ConfigurationReader(path: path, arguments: arguments).load()
        }
    }

    private static func told(_ legacy: DaemonProcess.Legacy) -> DaemonState? {
        guard case .takeover(let number) = legacy else { return nil }
        do {
            return try Legacy.read(number)
        } catch {
            // It was read before, by this very binary: only one that was replaced in between comes here.
            fail("Error: cannot take over: \(error)")
        }
    }

    private static func configurationPath(_ arguments: DaemonArguments) -> String {
        if let path = arguments.configuration { return HostFiles.absolute(path) }
        do throws(UsageError) {
            let program = CommandLine.arguments.first ?? "warden"
            let found = try ConfigurationLoader.find(program: program, host: ConfigurationReader.host())
            if let warning = found.warning { StandardError.write("\(warning)\n") }
            return HostFiles.absolute(found.path)
        } catch {
            fail("\(error)")
        }
    }

    private static func fail(_ text: String) -> Never {
        StandardError.write(text.hasSuffix("\n") ? text : text + "\n")
        DaemonProcess.exit(failure)
    }

    private static func finish(_ code: Int32, _ text: String) -> Never {
        StandardOutput.write(text)
        DaemonProcess.exit(code)
    }
}
