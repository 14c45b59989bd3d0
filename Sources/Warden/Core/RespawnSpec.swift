/// What must be true before a worker that ran is started again: `gpu_wait`, `shm_sweep` and `quarantine`.
package struct RespawnSpec: Hashable, Codable, Sendable {
    /// `gpu_wait`: how long the old tree may keep memory of a GPU before the next start comes all the same; `nil`: it
    /// is not waited for.
    package var gpuWait: Duration?
    /// `shm_sweep`: files that torch has left in /dev/shm for dead processes of the old tree are removed.
    package var sweepsSharedMemory = false
    /// `quarantine`: how long what SIGKILL does not end is waited for before the slot is held, and that a slot without
    /// a working GPU is held; `nil`: never.
    package var quarantineAfter: Duration?

    /// Nothing has to be true.
    package init() {}

    /// Whether a start needs no preparation.
    package var isOff: Bool { self == RespawnSpec() }

    /// Whether the GPUs are to be looked at.
    package var asksGPU: Bool { gpuWait != nil || quarantineAfter != nil }
}

/// What was found of an old tree before the next start.
package struct RespawnReport: Hashable, Sendable {
    /// What the GPUs say.
    package enum GPU: Hashable, Sendable {
        /// They were not asked, or the worker may use none.
        case notAsked
        /// There is nobody to ask: no NVML, no driver, no device. It means nothing for the start.
        case absent(reason: String)
        /// No answer yet: NVML hangs, is being asked for another worker, or has failed in a way that says nothing.
        case unanswered(reason: String)
        /// No device that the worker may use is left: in the words of the driver.
        case lost(String)
        /// These processes of the old tree hold memory of a device.
        case held([Int32])
        /// None of them does.
        case free
    }

    /// A process of the old tree that has not ended.
    package struct LeftOver: Hashable, Sendable {
        /// The process.
        package var pid: Int32
        /// Its state; `nil` for a letter that is not known.
        package var state: KernelState?

        /// - Parameters:
        ///   - pid: the process.
        ///   - state: its state.
        package init(pid: Int32, state: KernelState?) {
            self.pid = pid
            self.state = state
        }
    }

    /// What the GPUs say.
    package var gpu = GPU.notAsked
    /// What of the old tree still lives, at most `Limits.treeProcesses`.
    package var leftOvers: [LeftOver] = []
    /// Files that were removed from /dev/shm.
    package var sweptFiles = 0
    /// The bytes that they held.
    package var sweptBytes: Int64 = 0
    /// What could not be looked at, and what is wrong besides, in words for a person.
    package var remarks: [String] = []

    /// Nothing was found.
    package init() {}
}

/// What to do about a start that is being prepared.
package enum RespawnDecision: Hashable, Sendable {
    /// Why a slot is held.
    package enum Quarantine: Hashable, Codable, Sendable {
        /// Processes of its old tree do not die.
        case processes
        /// It has no GPU that works.
        case device
    }

    /// Start; what is not as it should be, if anything.
    case start(remark: String?)
    /// Look again soon: what is waited for.
    case lookAgain(String)
    /// Hold the slot, or go on holding it, and look now and then; the text is `nil` where nothing new is known.
    case hold(Quarantine, String?)
}

extension RespawnSpec {
    /// What follows from a look at the old tree.
    ///
    /// Only what is certain holds a slot. What merely cannot be known delays a start and never prevents it.
    ///
    /// - Parameters:
    ///   - report: what was found; `nil` when nobody has answered in time.
    ///   - waited: since the first look.
    ///   - quarantine: why the slot is held already; `nil` when it is not.
    ///   - isByPerson: a person wants the start: it is prepared, and never refused.
    ///   - endsTree: what is left of the old tree was killed, so that it should not be there.
    package func decide(
        _ report: RespawnReport?, waited: Duration, quarantine: RespawnDecision.Quarantine?, isByPerson: Bool,
        endsTree: Bool
    ) -> RespawnDecision {
        if let limit = quarantineAfter, !isByPerson {
            guard let report else {
                return quarantine.map { .hold($0, nil) } ?? decideOnGPU(nil, waited: waited)
            }
            switch report.gpu {
            case .lost(let text): return .hold(.device, text)
            case .absent, .unanswered: if quarantine == .device { return .hold(.device, nil) }
            case .notAsked, .held, .free: break
            }
            if endsTree, !report.leftOvers.isEmpty {
                let text = Self.words(report.leftOvers)
                if quarantine == nil, waited < limit { return .lookAgain("the end of \(text)") }
                // Whoever is in no such state could have ended: it has only not been found by who kills.
                let stuck = report.leftOvers.filter { $0.state == .uninterruptible }
                if !stuck.isEmpty { return .hold(.processes, "SIGKILL does not end \(Self.words(stuck))") }
                if quarantine == nil { return .start(remark: "\(text) of its old tree lives on; started anyway") }
            }
        }
        // What is dying keeps its files until it is dead. It is waited for no longer: the next sweep finds them, too.
        if sweepsSharedMemory, endsTree, let leftOvers = report?.leftOvers, !leftOvers.isEmpty,
            waited < Limits.sweepWait
        {
            return .lookAgain("the end of \(Self.words(leftOvers))")
        }
        return decideOnGPU(report, waited: waited)
    }

    private func decideOnGPU(_ report: RespawnReport?, waited: Duration) -> RespawnDecision {
        guard asksGPU else { return .start(remark: report == nil ? "the old tree was not looked at in time" : nil) }
        let gpu = report?.gpu ?? .unanswered(reason: "NVML does not answer")
        switch gpu {
        case .notAsked, .absent, .free: return .start(remark: nil)
        case .lost(let text): return .start(remark: text)
        case .unanswered(let reason):
            let limit = gpuWait ?? Limits.respawnAnswer
            return waited < limit ? .lookAgain("the GPU (\(reason))") : .start(remark: "\(reason); started anyway")
        case .held(let pids):
            guard let gpuWait else { return .start(remark: nil) }
            let text = "GPU memory of \(Self.words(pids))"
            if waited < gpuWait { return .lookAgain("the \(text)") }
            return .start(remark: "\(text) is not free after \(gpuWait.spoken) (gpu_wait); started anyway")
        }
    }

    private static func words(_ pids: [Int32]) -> String {
        let more = pids.count - Limits.shownProcesses
        let shown = pids.prefix(Limits.shownProcesses).map { "\($0)" }.joined(separator: ", ")
        return (pids.count == 1 ? "pid " : "pids ") + shown + (more > 0 ? " and \(more) more" : "")
    }

    private static func words(_ leftOvers: [RespawnReport.LeftOver]) -> String {
        let isStuck = leftOvers.contains { $0.state == .uninterruptible }
        return words(leftOvers.map(\.pid)) + (isStuck ? " (state D)" : "")
    }
}
