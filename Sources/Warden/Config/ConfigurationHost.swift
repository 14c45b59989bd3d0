package import WardenCore

/// What reading a configuration needs to know of the host, so that reading it stays a plain function.
package struct ConfigurationHost: Sendable {
    /// Why a file could not be read.
    package struct FileFailure: Error, Hashable, Sendable {
        /// The cause in words, such as `No such file or directory`.
        package var text: String

        /// - Parameter text: the cause in words.
        package init(_ text: String) {
            self.text = text
        }
    }

    /// Why a regular expression does not compile.
    package struct PatternFailure: Error, Hashable, Sendable {
        /// The compiler's own message.
        package var message: String
        /// Where in the pattern, in bytes from 0.
        package var offset: Int

        /// - Parameters:
        ///   - message: the compiler's own message.
        ///   - offset: where in the pattern, in bytes from 0.
        package init(message: String, offset: Int) {
            self.message = message
            self.offset = offset
        }
    }

    /// Why a certificate and a key cannot be used.
    package struct TLSFault: Error, Hashable, Sendable {
        /// Whether it is the key that is to be mended.
        package var isInKey: Bool
        /// What is wrong, with the file's name.
        package var text: String

        /// - Parameters: as the properties of the same names.
        package init(isInKey: Bool, text: String) {
            self.isInKey = isInKey
            self.text = text
        }
    }

    /// A file's bytes.
    package var readFile: @Sendable (_ path: String) -> Result<[UInt8], FileFailure>
    /// The paths that match a shell pattern, sorted; empty when none does.
    package var glob: @Sendable (_ pattern: String) -> [String]
    /// Whether a path names a directory.
    package var isDirectory: @Sendable (_ path: String) -> Bool
    /// Whether a path names anything.
    package var fileExists: @Sendable (_ path: String) -> Bool
    /// Whether a path leads to a program that can be executed.
    package var isExecutable: @Sendable (_ path: String) -> Bool
    /// The user of that name or number with all groups; `nil` when the host has none.
    package var user: @Sendable (_ nameOrID: String) -> LaunchSpec.Identity?
    /// The id of the group of that name or number; `nil` when the host has none.
    package var group: @Sendable (_ nameOrID: String) -> UInt32?
    /// The home directory of the user of that name; `nil` when it is not known.
    package var homeDirectory: @Sendable (_ user: String) -> String?
    /// Compiles a regular expression; `nil` when it is a good one.
    package var compilePattern: @Sendable (_ pattern: String) -> PatternFailure?
    /// Whether the host has NVIDIA's management library; whoever cannot know says so.
    package var hasNVML: @Sendable () -> Bool = { true }
    /// The controllers of the host's cgroup v2 hierarchy; whoever cannot know names those that are asked for.
    package var controlGroupControllers: @Sendable () -> Set<String> = { ["memory", "pids"] }
    /// Reads a certificate and its key; `nil` when they can be used together. Whoever cannot know says so.
    package var tlsFault: @Sendable (_ certificate: String, _ key: String) -> TLSFault? = { _, _ in nil }
    /// The daemon's environment, for `%(ENV_X)s`.
    package var environment: [String: String]
    /// What uname(2) calls the host, for `%(host_node_name)s`.
    package var hostNodeName: String
    /// The daemon's working directory, absolute.
    package var currentDirectory: String
    /// The daemon's effective user id.
    package var userID: UInt32
    /// The daemon's hard RLIMIT_NOFILE: the hard limit of a worker whose `rlimit_nofile` names the soft one only.
    package var descriptorHardLimit: UInt64

    /// Whether the daemon may become other users.
    package var isRoot: Bool { userID == 0 }

    /// - Parameters: as the properties of the same names.
    package init(
        readFile: @escaping @Sendable (String) -> Result<[UInt8], FileFailure>,
        glob: @escaping @Sendable (String) -> [String],
        isDirectory: @escaping @Sendable (String) -> Bool,
        fileExists: @escaping @Sendable (String) -> Bool,
        isExecutable: @escaping @Sendable (String) -> Bool,
        user: @escaping @Sendable (String) -> LaunchSpec.Identity?,
        group: @escaping @Sendable (String) -> UInt32?,
        homeDirectory: @escaping @Sendable (String) -> String?,
        compilePattern: @escaping @Sendable (String) -> PatternFailure?,
        environment: [String: String], hostNodeName: String, currentDirectory: String, userID: UInt32,
        descriptorHardLimit: UInt64
    ) {
        self.readFile = readFile
        self.glob = glob
        self.isDirectory = isDirectory
        self.fileExists = fileExists
        self.isExecutable = isExecutable
        self.user = user
        self.group = group
        self.homeDirectory = homeDirectory
        self.compilePattern = compilePattern
        self.environment = environment
        self.hostNodeName = hostNodeName
        self.currentDirectory = currentDirectory
        self.userID = userID
        self.descriptorHardLimit = descriptorHardLimit
    }
}
