internal import CWardenLinux
internal import Glibc
package import WardenCore

/// A child that was born. Whether it reached execve(2) is for its report to say.
package struct SpawnedChild: ~Copyable, Sendable {
    /// The process.
    package var child: Child
    /// Tells, by ending, that execve(2) was reached or what failed.
    package var report: SpawnReport
    /// Where the child waits, if its plan says so. Dropped unopened, it ends the child before the program runs.
    package var gate: SpawnGate?

    /// Keeps the child and closes the report.
    package consuming func takeChild() -> Child { child }
}

/// Starts children.
package struct Spawner: Sendable {
    /// Kernel features to do without, so that the ways around them can be tested.
    package struct Avoidance: OptionSet, Sendable {
        /// The bits.
        package let rawValue: UInt32

        /// - Parameter rawValue: the bits.
        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// clone3(2), which containers often refuse.
        package static let clone3 = Avoidance(rawValue: UInt32(WARDEN_SPAWN_WITHOUT_CLONE3))
        /// close_range(2) with CLOSE_RANGE_CLOEXEC, of Linux 5.11.
        package static let closeRange = Avoidance(rawValue: UInt32(WARDEN_SPAWN_WITHOUT_CLOSE_RANGE))
    }

    private let avoidance: Avoidance

    /// - Parameter avoidance: kernel features to do without.
    package init(avoiding avoidance: Avoidance = []) {
        self.avoidance = avoidance
    }

    /// Starts a child and returns at once: neither a slow directory nor a slow execve(2) holds the caller.
    ///
    /// Nothing of a failed attempt stays open.
    ///
    /// - Parameter plan: what to start; its descriptors stay the caller's.
    /// - Returns: the child and its report.
    /// - Throws: a failure in the daemon itself (`pipe`, `clone`, `user` for an impossible number, or
    ///   `execute` with EINVAL for a NUL inside a text). The
    ///   child's own failures come through the report.
    package func spawn(_ plan: SpawnPlan) throws(SpawnFailure) -> SpawnedChild {
        guard let texts = SpawnTexts(plan) else {
            throw SpawnFailure(.execute, EINVAL, subject: "a NUL character in the command or its environment")
        }
        if let user = plan.user, user.userID == .max || user.groupID == .max {
            // To setresuid(2) this number means "leave it": the worker would stay root.
            throw SpawnFailure(.user, EINVAL, subject: user.name)
        }
        let (reader, writer) = try Self.reportPipe()
        var pid: Int32 = 0
        var pidfd: Int32 = -1
        let gate: SpawnGate.Ends
        do throws(SpawnFailure) {
            gate = try SpawnGate.ends(isWanted: plan.waitsAtGate)
        } catch {
            _ = close(reader)
            _ = close(writer)
            throw error
        }
        let status = texts.withPlan(plan, gate: gate.numbers, avoidance: avoidance) { raw in
            warden_spawn(&raw, writer, &pid, &pidfd)
        }
        // The child has its own copy. While ours was open, its end would not be seen.
        _ = close(writer)
        let report = SpawnReport(pipe: Descriptor(owning: reader), plan: plan)
        if status < 0 { throw SpawnFailure(.clone, -status, subject: plan.cgroup == nil ? "" : "into its cgroup") }
        return SpawnedChild(
            child: Child(pid: pid, pidfd: Descriptor(owning: pidfd)), report: report, gate: gate.takeGate())
    }

    private static func reportPipe() throws(SpawnFailure) -> (reader: CInt, writer: CInt) {
        do {
            let pipe = try Pipe()
            try pipe.reader.setNonblocking()
            return pipe.takeEnds()
        } catch {
            throw SpawnFailure(.pipe, error.errorNumber, subject: "")
        }
    }
}

extension Pipe {
    /// Gives the numbers of both ends away, unclosed.
    package consuming func takeEnds() -> (reader: CInt, writer: CInt) {
        (reader.take(), writer.take())
    }
}

extension SpawnFailure {
    internal init(_ stage: Stage, _ errorNumber: Int32, subject: String) {
        self.init(
            stage: stage, errorNumber: errorNumber, subject: subject,
            explanation: errorNumber == 0 ? "" : Kernel.text(of: errorNumber))
    }
}
