/// The limits of the configuration room.
package enum ConfigLimits {
    /// Bytes of one configuration file.
    package static let fileBytes = 4 * 1024 * 1024
    /// Files that `[include]` may bring in.
    package static let includedFiles = 4096
    /// Problems that one load lists.
    package static let diagnostics = 1000
    /// Scalars of a value that a message quotes.
    package static let quotedScalars = 120
    /// Scalars of a name that is compared with the known names.
    package static let comparedScalars = 64
    /// Width and precision of one conversion of an expansion.
    package static let formatWidth = 4096
    /// Bytes of one expanded value.
    package static let expandedBytes = 1024 * 1024
    /// Bytes of an environment variable or of one argument: execve(2) refuses more (MAX_ARG_STRLEN).
    package static let argumentBytes = 128 * 1024
    /// The longest duration that can be written.
    package static let longestDuration: Duration = .seconds(3650 * 86400)
    /// Bytes of `log_prefix`.
    package static let linePrefixBytes = 256
    /// How long a program with a `ready` of its own may take to be ready, where `startsecs` is not written.
    package static let readinessTimeout: Duration = .seconds(60)
    /// The shortest time between two samples or two probes.
    package static let shortestInterval: Duration = .milliseconds(100)
}
