import WardenOutbound
import WardenWire

extension CommandRunner {
    /// `version`.
    mutating func version(_ words: [String]) async throws(ServerFailure) {
        guard words.isEmpty else { return misuse("Error: version accepts no arguments", of: .version) }
        guard try await isServerUp() else { return }
        say(try await server.call("supervisor.getSupervisorVersion", []).string ?? "")
    }

    /// `open URL`: another server from now on, and its status.
    ///
    /// Whether that one can be asked does not change the exit code, as in supervisorctl.
    mutating func open(_ url: String) async throws(ServerFailure) {
        guard server.redirect(to: url) else {
            say("ERROR: url must be http:// or unix://")
            exitCode = ExitCode.failure
            return
        }
        let code = exitCode
        defer { exitCode = code }
        try await status([])
    }

    /// `shutdown`.
    mutating func shutdown(_ words: [String]) async throws(ServerFailure) {
        guard words.isEmpty else { return misuse("Error: shutdown accepts no arguments", of: .shutdown) }
        guard isConfirmed("Really shut the remote supervisord process down y/N? ") else { return }
        do {
            _ = try await server.call("supervisor.shutdown", [])
            say("Shut down")
        } catch .fault(let fault) where fault.kind == .shutdownState {
            // Not a failure: what was wanted is under way.
            say("ERROR: already shutting down")
        } catch .connection(.refused) {
            say("ERROR: \(server.address) refused connection (already shut down?)")
            exitCode = ExitCode.failure
        } catch .connection(.noSuchSocket) {
            say("ERROR: \(server.address) no such file (already shut down?)")
            exitCode = ExitCode.failure
        }
    }

    /// `reload`.
    ///
    /// Warden reads the configuration first and refuses when it is wrong, where supervisord would be gone.
    mutating func reload(_ words: [String]) async throws(ServerFailure) {
        guard words.isEmpty else { return misuse("Error: reload accepts no arguments", of: .reload) }
        guard isConfirmed("Really restart the remote supervisord process y/N? ") else { return }
        do {
            _ = try await server.call("supervisor.restart", [])
            say("Restarted supervisord")
        } catch .fault(let fault) where fault.kind == .shutdownState {
            say("ERROR: already shutting down")
            exitCode = ExitCode.failure
        } catch .fault(let fault) where fault.kind == .cannotReread {
            sayLines("ERROR: \(fault.string)")
            exitCode = ExitCode.failure
        }
    }

    /// `upgrade`.
    ///
    /// The daemon says yes when the new binary has shown that it can take over; that it has is asked of that binary.
    mutating func upgrade(_ words: [String]) async throws(ServerFailure) {
        guard words.isEmpty else { return misuse("Error: upgrade accepts no arguments", of: .upgrade) }
        let before = try await server.call("warden.getIdentity", [])
        do {
            _ = try await server.call("warden.upgrade", [])
        } catch .fault(let fault) where fault.kind == .failed {
            sayLines("ERROR: not upgraded: \(fault.string)")
            exitCode = ExitCode.failure
            return
        }
        let clock = ContinuousClock()
        let deadline = clock.now + CtlLimits.upgradePatience
        while clock.now < deadline {
            // Between the two binaries nobody answers.
            if let now = try? await server.call("warden.getIdentity", []), now["since"] != before["since"] {
                let (old, new) = (before["version"]?.string ?? "?", now["version"]?.string ?? "?")
                let versions = old == new ? "version \(new) once more" : "from \(old) to \(new)"
                return say("upgraded: \(versions); no worker was touched")
            }
            // Cancelled: the next call says so.
            try? await Task.sleep(for: .milliseconds(50))
        }
        say("ERROR: not upgraded within \(CtlLimits.upgradePatience); the daemon's log says why")
        exitCode = ExitCode.failure
    }
}
