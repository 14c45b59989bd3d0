import WardenCore
import WardenRuntime

/// What a trace is made of. Swift's own description of a value costs more than the core that made it, so what is
/// frequent is spelt out here, and in the same words in every process.
extension WorkerFact {
    var word: String {
        switch self {
        case .spawned(let pid): "spawned \(pid)"
        case .spawnFailed(let failure): "failed \(failure.stage.rawValue)"
        case .exited(let status): "exited \(status.word)"
        case .signalFailed(let number): "signal failed \(number)"
        case .sampled: "sampled"
        case .logged(let facts): "logged \(facts.lastAlive?.line ?? 0) \(facts.episodes.count)"
        case .beat: "beat"
        case .becameReady: "ready"
        case .forensicsCollected: "forensics"
        case .hookEnded(_, .exited(let code, let output)): "hook exited \(code) \(output)"
        case .hookEnded(_, .failed(let reason)): "hook failed \(reason)"
        case .hookEnded(_, .couldNotRun(let reason)): "hook could not run \(reason)"
        case .said: "said"
        case .inputClosed: "input closed"
        case .censusTaken(let kinds): "census \(kinds.first?.count ?? 0)"
        case .waitsRead(let report): "waits \(report.summary)"
        case .descriptorLimitRaised(.raised(_, let from, let to)): "raised \(from) \(to)"
        case .descriptorLimitRaised(.refused): "not raised"
        case .descriptorLimitLowered(.lowered(_, let from, let to)): "lowered \(from) \(to)"
        case .descriptorLimitLowered(.refused): "not lowered"
        case .respawnPrepared(let report): "prepared \(report.leftOvers.count) \(report.gpu)"
        }
    }
}

extension ExitStatus {
    var word: String {
        switch self {
        case .code(let code): "code \(code)"
        case .signal(let number, _): "signal \(number)"
        case .unknown: "unknown"
        }
    }
}

extension Event {
    var word: String {
        switch self {
        case .localHealth(let health): "doubts \(health.doubts)"
        case .configurationLoaded(_, .success): "configuration"
        case .configurationLoaded(_, .failure): "bad configuration"
        case .timeReached: "time"
        case .inherited(let inheritance): "inherited \(inheritance.workers.count)"
        case .leftOversFound(let found): "left over \(found.count)"
        case .worker, .wrote, .ready, .requested, .abandoned, .endRequested, .localTimeMoved, .successorExamined:
            "\(self)"
        }
    }
}

extension Incident {
    var word: String {
        "incident \(id) \(worker.qualified) \(generation.number) \(verdict.condition.name) \(verdict.grade.rawValue) "
            + "\(action.rawValue) \(outcome?.name ?? "-") \(heldBackBy ?? "-") \(verdict.reason)"
    }
}

extension ServiceNotice {
    var word: String {
        switch self {
        case .ready: "ready"
        case .status(let text): text
        case .stopping: "stopping"
        case .extendTimeout(let duration): "extend \(duration.inSeconds)"
        }
    }
}

extension Announcement {
    var word: String {
        switch self {
        case .processState(let name, let state, _, _, let tries, _): "\(name.qualified) \(state.word) \(tries)"
        case .health(let name, let verdict): "\(name.qualified) \(verdict.condition.name) \(verdict.reason)"
        case .groupAdded, .groupRemoved, .supervisorRunning, .supervisorStopping, .action, .tick, .remote, .output:
            "\(self)"
        }
    }
}

extension Reply {
    /// Its kind alone: a list of snapshots is long.
    var word: String {
        switch self {
        case .done: "done"
        case .refused(let refusal): "\(refusal)"
        case .outcomes(let outcomes): "\(outcomes)"
        case .snapshots(let snapshots): "\(snapshots.count) snapshots"
        case .explanations(let explanations): "\(explanations.count) explanations"
        case .differences(let added, let changed, let removed): "\(added) \(changed) \(removed)"
        case .updated(let kept): "kept \(kept.count)"
        case .daemonState(let mood): "\(mood)"
        case .drill: "drill"
        }
    }
}
