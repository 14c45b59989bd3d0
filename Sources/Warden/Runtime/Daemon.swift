package import WardenConfig
import WardenControl
import WardenCore
import WardenHistory
import WardenLinux
import WardenOutbound

/// Programs that the daemon starts without, because their own sections have errors.
package struct PartialConfiguration: Hashable, Sendable {
    /// Their names.
    package let programs: [String]
    /// Every error, `FILE:LINE: message`.
    package let errors: [String]

    /// - Parameter result: a configuration as it was read.
    package init(_ result: LoadResult) {
        programs = result.remainder?.refused ?? []
        let errors = result.diagnostics.filter { $0.severity == .error }
        self.errors = programs.isEmpty ? [] : errors.map(\.description)
    }
}

/// The daemon from its first thread to its last.
///
/// Start: sockets, then threads, then the workers; READY when both are there. End: the workers, then what tells of
/// them, then the sockets.
package struct Daemon {
    /// Why the daemon could not begin: a text with the place and the remedy, for standard error. Exit code 2.
    package struct StartFailure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The text.
        package let description: String
    }

    /// How the daemon came to its end.
    package enum Farewell: Hashable, Sendable {
        /// Everything has stopped; exit code 0.
        case stopped
        /// Everything has stopped, because an essential program is down for good; exit code 1.
        case failed
        /// Everything has stopped; the binary is to be executed anew.
        case restarts
    }

    private let configuration: Configuration
    private let refusal: PartialConfiguration
    private let reader: ConfigurationReader
    private let isForeground: Bool
    private let startLimits: DaemonLimits
    private let legacy: DaemonState?

    /// - Parameters:
    ///   - configuration: what to run.
    ///   - refusal: what was left out of it.
    ///   - path: where it was read, to read it again.
    ///   - arguments: the switches, which override the file each time.
    /// - Throws: when not even the limits of this process can be read.
    package init(
        configuration: Configuration, refusal: PartialConfiguration, path: String, arguments: DaemonArguments
    ) throws(StartFailure) {
        try self.init(
            configuration: configuration, refusal: refusal, path: path, arguments: arguments, legacy: nil)
    }

    /// - Parameter legacy: what a former binary has told this one.
    init(
        configuration: Configuration, refusal: PartialConfiguration, path: String, arguments: DaemonArguments,
        legacy: DaemonState?
    ) throws(StartFailure) {
        self.legacy = legacy
        self.configuration = configuration
        self.refusal = refusal
        reader = ConfigurationReader(path: path, arguments: arguments)
        // Who is the first process of a container would take the container with it.
        isForeground = configuration.daemon.isForeground || DaemonProcess.pid == 1
        if let legacy {
            startLimits = legacy.limits
        } else {
            startLimits = try Daemon.guarded { () throws(KernelFailure) in try DaemonLimits.capture() }
        }
    }

    /// Runs until everything has stopped.
    ///
    /// - Throws: when the daemon could not begin; nothing was started then.
    package func run() throws(StartFailure) -> Farewell {
        let settings = configuration.daemon
        // What a former binary hands over is told by itself.
        let (keeper, remains) = legacy.map { (Survival.goOn($0), nil) } ?? Survival.begin()
        let listeners = try bind(configuration, inheriting: legacy?.listening ?? remains?.listening ?? [])
        keeper.keep(listeners.told)
        try prepareProcess(settings)
        try makeLogDirectories(settings)
        let controlGroups = try controlGroups(mustHave: legacy == nil && remains == nil)
        // supervisord goes on without the file too; a note in the log must do.
        let pidFile = try? PIDFile(path: settings.pidFile, pid: DaemonProcess.pid)
        let house = try Daemon.guarded { () throws(KernelFailure) in
            try House(
                configuration: configuration, reader: reader, listeners: listeners, limits: startLimits,
                keeper: keeper, controlGroups: controlGroups, legacy: legacy, remains: remains)
        }
        house.refusal = refusal
        if pidFile == nil {
            house.mainLog.write(LogRecord(.critical, "could not write pidfile \(settings.pidFile)"))
        }
        let end = try Daemon.guarded { () throws(KernelFailure) in try house.live() }
        switch end {
        case .shutdown: return .stopped
        case .failure: return .failed
        case .restart: return .restarts
        case .upgrade: return .stopped
        }
    }

    /// Whose workers run has to go on, wherever they are.
    private func controlGroups(
        mustHave: Bool
    ) throws(StartFailure) -> Result<ControlGroupTree, NoControlGroups> {
        let setting = configuration.warden.controlGroups
        do throws(NoControlGroups) {
            return .success(try Containment.place(setting))
        } catch {
            switch setting {
            case .yes, .path:
                guard !mustHave else { throw StartFailure(description: "Error: [warden] cgroup: \(error)") }
            case .auto, .no: break
            }
            return .failure(error)
        }
    }

    private func bind(
        _ configuration: Configuration, inheriting told: [DaemonState.Listening]
    ) throws(StartFailure) -> Listeners {
        do throws(ListenFailure) {
            return try Listeners(configuration, inheriting: told)
        } catch {
            throw StartFailure(description: "Error: \(error)")
        }
    }

    /// Everything that must be done before there are threads.
    private func prepareProcess(_ settings: DaemonSettings) throws(StartFailure) {
        try Daemon.guarded { () throws(KernelFailure) in
            try DaemonProcess.fillStandardStreams()
            let (descriptors, processes) = (UInt64(settings.minimumDescriptors), UInt64(settings.minimumProcesses))
            try startLimits.raiseOwn(minimumDescriptors: descriptors, minimumProcesses: processes)
            if let user = settings.user { try DaemonProcess.become(user) }
            if !isForeground, legacy == nil {
                try DaemonProcess.daemonize(directory: settings.directory, umask: settings.umask)
            }
            try DaemonProcess.becomeSubreaper()
        }
    }

    /// As whom the daemon has become: a log that it could not open again later would be no use.
    private func makeLogDirectories(_ settings: DaemonSettings) throws(StartFailure) {
        var directories = [settings.childLogDirectory]
        if case .file(let path) = settings.log, let slash = path.lastIndex(of: "/") {
            directories.append(String(path[..<slash]))
        }
        for directory in directories {
            _ = try Daemon.guarded { () throws(KernelFailure) in try LogDirectory.make(directory, as: nil) }
        }
    }

    private static func guarded<Value: ~Copyable>(
        _ body: () throws(KernelFailure) -> Value
    ) throws(StartFailure) -> Value {
        do throws(KernelFailure) {
            return try body()
        } catch {
            throw StartFailure(description: "Error: \(error)")
        }
    }
}
