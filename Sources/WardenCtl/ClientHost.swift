import FoundationEssentials
import Glibc
import WardenConfig

extension ConfigurationHost {
    /// What reading `[supervisorctl]` needs of this host: files and the environment.
    ///
    /// No other section is looked at, so that users, globs and patterns are never asked for.
    static func client() -> ConfigurationHost {
        ConfigurationHost(
            readFile: ClientFiles.read, glob: { _ in [] }, isDirectory: { _ in false }, fileExists: { access($0, F_OK) == 0 },
            isExecutable: { access($0, X_OK) == 0 }, user: { _ in nil },
            group: { _ in nil }, homeDirectory: { _ in nil }, compilePattern: { _ in nil },
            environment: ProcessInfo.processInfo.environment, hostNodeName: "",
            currentDirectory: FileManager.default.currentDirectoryPath, userID: getuid(), descriptorHardLimit: 0)
    }
}

/// Small files of the client's own.
enum ClientFiles {
    static func read(_ path: String) -> Result<[UInt8], ConfigurationHost.FileFailure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(ConfigurationHost.FileFailure(errorText())) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count != 0 else { return .success(bytes) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(ConfigurationHost.FileFailure(errorText()))
            }
            bytes += chunk[..<count]
            guard bytes.count <= CtlLimits.configurationBytes else {
                return .failure(ConfigurationHost.FileFailure("it is longer than \(CtlLimits.configurationBytes) bytes"))
            }
        }
    }

    private static func errorText() -> String {
        strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    }
}
