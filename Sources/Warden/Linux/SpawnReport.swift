internal import CWardenLinux
internal import Glibc
package import WardenCore

/// The reading end of a child's report pipe, with what is needed to put a failure into words.
///
/// Watch it in an epoll for its hang-up alone (`Interest` empty): what the child writes on its way is then read at the
/// end or at the deadline, and wakes nobody before.
package struct SpawnReport: ~Copyable, Sendable {
    /// What the pipe says.
    package enum Reading: Hashable, Sendable {
        /// Neither reached execve(2) nor failed. The last step said to be entered; `nil` is before the first of those.
        case pending(SpawnFailure.Stage?)
        /// The pipe ended without a failure: execve(2) succeeded, or the child was killed on its way, which its exit
        /// status says.
        case executed
        /// The child could not be made. It exits with 127, and is still to be reaped.
        case failed(SpawnFailure)
    }

    private let pipe: Descriptor
    private let plan: SpawnPlan

    internal init(pipe: consuming Descriptor, plan: SpawnPlan) {
        self.pipe = pipe
        self.plan = plan
    }

    /// For an epoll to watch.
    package var readinessDescriptor: CInt { pipe.rawValue }

    /// Reads what there is, without blocking.
    package borrowing func read() -> Reading {
        var lastStage: SpawnFailure.Stage?
        while true {
            var record = warden_spawn_record()
            let size: Int?
            do {
                size = try withUnsafeMutableBytes(of: &record) { bytes throws(KernelFailure) in
                    try pipe.read(into: bytes)
                }
            } catch {
                return .failed(SpawnFailure(.pipe, error.errorNumber, subject: ""))
            }
            guard let size else { return .pending(lastStage) }
            // A record is written whole or not at all; anything shorter is the end.
            if size < MemoryLayout<warden_spawn_record>.size { return .executed }
            if record.has_failed != 0 { return .failed(failure(of: record)) }
            lastStage = stage(record.stage)
        }
    }

    /// The failure of a child that did not get to execve(2) in time.
    ///
    /// It cannot be killed while it hangs in a dead file system, but SIGKILL takes effect when it comes out.
    ///
    /// - Parameter stage: the last step it entered, as `read` said.
    /// - Returns: the failure, with the step in its subject.
    package borrowing func stuck(at stage: SpawnFailure.Stage?) -> SpawnFailure {
        let place: String =
            switch stage {
            case .directory: "\(SpawnFailure.Stage.directory.rawValue) \(plan.directory ?? "")"
            case .execute: "\(SpawnFailure.Stage.execute.rawValue) \(plan.candidates.first ?? "")"
            case .some(let stage): stage.rawValue
            case .none: "before the first step"
            }
        return SpawnFailure(stage: .stuck, errorNumber: 0, subject: place, explanation: "")
    }

    private borrowing func failure(of record: warden_spawn_record) -> SpawnFailure {
        let stage = stage(record.stage)
        let index = Int(record.index)
        var failure = SpawnFailure(stage, record.error, subject: "")
        switch stage {
        case .execute:
            failure.subject = plan.candidates.indices.contains(index) ? plan.candidates[index] : ""
            if record.error == ENOENT { explainMissing(&failure) }
            if record.error == ECANCELED { failure.explanation += " (its gate was never opened)" }
        case .directory: failure.subject = plan.directory ?? ""
        case .user, .groups: failure.subject = plan.user?.name ?? ""
        case .limits:
            failure.subject = plan.limits.indices.contains(index) ? plan.limits[index].resourceName : ""
        case .descriptors: failure.subject = "descriptor \(index)"
        case .clone: failure.subject = "into its cgroup"
        case .lookUp, .openLog, .pipe, .socket, .processGroup, .signals, .umask, .stuck: break
        }
        return failure
    }

    // execve(2) says ENOENT also of a script whose interpreter is missing, and of a program whose loader is.
    private borrowing func explainMissing(_ failure: inout SpawnFailure) {
        if let found = plan.candidates.first(where: { access($0, F_OK) == 0 }) {
            failure.subject = found
            failure.explanation += " (the file is there: its interpreter or loader is missing)"
        } else if let command = plan.arguments.first {
            failure.subject = command
        }
    }

    private borrowing func stage(_ number: UInt8) -> SpawnFailure.Stage {
        switch warden_stage(UInt32(number)) {
        case WARDEN_STAGE_CGROUP: .clone
        case WARDEN_STAGE_PROCESS_GROUP: .processGroup
        case WARDEN_STAGE_SIGNALS: .signals
        case WARDEN_STAGE_DESCRIPTORS: .descriptors
        case WARDEN_STAGE_LIMITS: .limits
        case WARDEN_STAGE_GROUPS: .groups
        case WARDEN_STAGE_USER: .user
        case WARDEN_STAGE_DIRECTORY: .directory
        case WARDEN_STAGE_UMASK: .umask
        default: .execute
        }
    }
}
