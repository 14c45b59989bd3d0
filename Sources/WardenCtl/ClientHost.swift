import FoundationEssentials
import Glibc
import WardenConfig
import WardenCore

extension ConfigurationHost {
    /// This host, as far as reading a configuration for a person needs it.
    ///
    /// Regular expressions stand in Warden's own sections alone, and `warden --check` compiles them.
    static func client() -> ConfigurationHost {
        ConfigurationHost(
            readFile: ClientFiles.read, glob: ClientFiles.glob, isDirectory: ClientFiles.isDirectory,
            fileExists: { access($0, F_OK) == 0 }, isExecutable: { access($0, X_OK) == 0 }, user: ClientUsers.user,
            group: ClientUsers.group, homeDirectory: ClientUsers.homeDirectory, compilePattern: { _ in nil },
            environment: ProcessInfo.processInfo.environment, hostNodeName: ProcessInfo.processInfo.hostName,
            currentDirectory: FileManager.default.currentDirectoryPath, userID: getuid(), descriptorHardLimit: 1_048_576
        )
    }
}

/// Users and groups of this host.
enum ClientUsers {
    static func user(_ nameOrNumber: String) -> LaunchSpec.Identity? {
        let entry = UInt32(nameOrNumber).map { getpwuid($0) } ?? getpwnam(nameOrNumber)
        guard let entry = entry?.pointee else { return nil }
        return LaunchSpec.Identity(
            name: String(cString: entry.pw_name), userID: entry.pw_uid, groupID: entry.pw_gid, groupIDs: [entry.pw_gid])
    }

    static func group(_ nameOrNumber: String) -> UInt32? {
        let entry = UInt32(nameOrNumber).map { getgrgid($0) } ?? getgrnam(nameOrNumber)
        return entry?.pointee.gr_gid
    }

    /// Of the person who asks, when no user is named.
    static func homeDirectory(_ user: String) -> String? {
        if user.isEmpty { return getenv("HOME").map { String(cString: $0) } }
        return getpwnam(user).map { String(cString: $0.pointee.pw_dir) }
    }
}

/// Small files of the client's own.
enum ClientFiles {
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func glob(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard Glibc.glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }

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
                return .failure(
                    ConfigurationHost.FileFailure("it is longer than \(CtlLimits.configurationBytes) bytes"))
            }
        }
    }

    private static func errorText() -> String {
        strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    }
}
