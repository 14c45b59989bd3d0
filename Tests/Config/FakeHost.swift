import WardenConfig
import WardenCore

/// A host made of values: files, directories, users and groups, and a toy pattern compiler that refuses what has an
/// unclosed parenthesis.
struct FakeHost {
    var files: [String: String] = [:]
    var unreadable: [String: String] = [:]
    var directories: Set<String> = ["/", "/tmp", "/srv", "/var/log", "/etc", "/etc/conf.d", "/home/debian"]
    /// Every other command that is asked for is there.
    var missingCommands: Set<String> = []
    var environment: [String: String] = ["HOME": "/root", "TOKEN": "t0ken", "PERCENT": "100%d"]
    var users: [String: UInt32] = ["root": 0, "debian": 1000, "1000": 1000, "nobody": 65534]
    var groups: [String: UInt32] = ["root": 0, "adm": 4, "debian": 1000]
    var userID: UInt32 = 0

    var host: ConfigurationHost {
        let world = self
        return ConfigurationHost(
            readFile: { path in
                if let reason = world.unreadable[path] { return .failure(.init(reason)) }
                if world.directories.contains(path) { return .failure(.init("Is a directory")) }
                guard let text = world.files[path] else { return .failure(.init("No such file or directory")) }
                return .success(FakeHost.bytes(text))
            },
            glob: { pattern in
                let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
                let known = Array(world.files.keys) + world.unreadable.keys + world.directories
                guard parts.count == 2 else { return known.filter { $0 == pattern } }
                return known.filter { $0 != pattern && $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1]) }
                    .filter { !$0.dropFirst(parts[0].count).contains("/") && $0.count > parts[0].count }.sorted()
            },
            isDirectory: { world.directories.contains($0) },
            fileExists: { world.files[$0] != nil || world.directories.contains($0) },
            isExecutable: { !world.missingCommands.contains($0) },
            user: { name in
                world.users[name].map {
                    LaunchSpec.Identity(name: name, userID: $0, groupID: $0, groupIDs: [$0, 7])
                }
            },
            group: { world.groups[$0] },
            homeDirectory: { $0.isEmpty || $0 == "root" ? "/root" : world.users[$0].map { _ in "/home/debian" } },
            compilePattern: { pattern in
                let depth = pattern.utf8.reduce(0) { $0 + ($1 == 0x28 ? 1 : $1 == 0x29 ? -1 : 0) }
                return depth == 0 ? nil : .init(message: "missing closing parenthesis", offset: pattern.utf8.count)
            },
            environment: environment, hostNodeName: "gpu7", currentDirectory: "/srv", userID: userID,
            descriptorHardLimit: 524_288)
    }

    /// `\u{FF}` and its like stand for single bytes that are not UTF-8.
    private static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.flatMap { scalar in
            (0xF8...0xFF).contains(scalar.value) ? [UInt8(scalar.value)] : Array(String(scalar).utf8)
        }
    }

    /// Loads `text` as the main file.
    func load(_ text: String, _ arguments: DaemonArguments = DaemonArguments()) -> LoadResult {
        var world = self
        world.files["/etc/w.conf"] = text
        return ConfigurationLoader.load(path: "/etc/w.conf", arguments: arguments, host: world.host)
    }

    /// Loads `text` below an empty `[supervisord]`; the text's first line is line 2.
    func body(_ text: String) -> LoadResult {
        load("[supervisord]\n" + text)
    }
}

extension LoadResult {
    /// Every diagnostic as it is printed.
    var lines: [String] { diagnostics.map(\.description) }

    /// The errors without file and line.
    var errors: [String] { diagnostics.filter { $0.severity == .error }.map(\.message) }

    /// The warnings without file and line.
    var warnings: [String] { diagnostics.filter { $0.severity == .warning }.map(\.message) }

    /// The slots of every group.
    var programs: [ProgramSpec] { configuration?.groups.flatMap(\.programs) ?? [] }

    /// The only slot.
    var program: ProgramSpec? { programs.count == 1 ? programs.first : nil }
}
