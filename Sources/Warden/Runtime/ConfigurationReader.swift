import WardenConfig
import WardenControl
import WardenCore
import WardenLinux

/// Reads the configuration from this host: what the pure loader is told about files, users and patterns.
struct ConfigurationReader: Sendable {
    let path: String
    let arguments: DaemonArguments

    /// Reads all of it.
    func load() -> LoadResult {
        ConfigurationLoader.load(path: path, arguments: arguments, host: ConfigurationReader.host())
    }

    /// The groups alone, or every problem with its place.
    func groups() -> Result<[GroupSpec], ConfigurationRefusal> {
        let result = load()
        guard let configuration = result.configuration else {
            let errors = result.diagnostics.filter { $0.severity == .error }
            return .failure(ConfigurationRefusal(text: errors.map(\.description).joined(separator: "\n")))
        }
        return .success(configuration.groups)
    }

    /// This host.
    static func host() -> ConfigurationHost {
        var host = ConfigurationHost(
            readFile: { path in HostFiles.read(path).mapError { ConfigurationHost.FileFailure($0.description) } },
            glob: { HostFiles.glob($0) },
            isDirectory: { HostFiles.isDirectory($0) },
            fileExists: { HostFiles.exists($0) },
            isExecutable: { HostFiles.isExecutable($0) },
            // The reason is always the same to the configuration: no such user or group.
            user: { try? UserDatabase.identity(of: $0) },
            group: { try? UserDatabase.groupID(of: $0) },
            homeDirectory: { HostFiles.homeDirectory(of: $0) },
            compilePattern: { expression in
                do throws(PatternFailure) {
                    _ = try Pattern(expression)
                    return nil
                } catch {
                    return ConfigurationHost.PatternFailure(message: error.message, offset: error.offsetBytes)
                }
            },
            environment: HostFiles.environment(), hostNodeName: HostFiles.nodeName(),
            currentDirectory: HostFiles.currentDirectory(), userID: HostFiles.userID(),
            // 1024 where even that cannot be read.
            descriptorHardLimit: (try? DaemonLimits.capture())?.descriptors.hard ?? 1024)
        host.hasNVML = { GPUInspector.isThere() }
        host.controlGroupControllers = { ControlGroupMount.find()?.controllers ?? [] }
        host.tlsFault = { certificate, key in
            TLSFiles(certificate: certificate, key: key).problem().map { problem in
                ConfigurationHost.TLSFault(isInKey: problem.subject == .key, text: problem.description)
            }
        }
        return host
    }
}
