/// supervisorctl's exit codes, which are those of LSB init scripts.
package enum ExitCode {
    /// Done.
    package static let success: Int32 = 0
    /// Not done.
    package static let failure: Int32 = 1
    /// The command line is wrong.
    package static let usage: Int32 = 2
    /// The server cannot do this.
    package static let unsupported: Int32 = 3
    /// Nobody listens at the server's address.
    package static let refused: Int32 = 4
    /// The server speaks another version of the interface.
    package static let notInstalled: Int32 = 5
    /// The process, or the whole server, does not run.
    package static let notRunning: Int32 = 7
    /// `status` only: one of the listed processes does not run.
    package static let statusNotRunning: Int32 = 3
    /// `status` only: a name is not known, or the server cannot be asked.
    package static let statusUnknown: Int32 = 4
}
