/// The types of event that listeners subscribe to, by supervisord's names, and Warden's own.
package enum EventType: String, Hashable, Codable, Sendable, CaseIterable {
    /// Every type.
    case event = "EVENT"
    /// Every change of a process's state.
    case processState = "PROCESS_STATE"
    case processStateStopped = "PROCESS_STATE_STOPPED"
    case processStateExited = "PROCESS_STATE_EXITED"
    case processStateStarting = "PROCESS_STATE_STARTING"
    case processStateStopping = "PROCESS_STATE_STOPPING"
    case processStateBackoff = "PROCESS_STATE_BACKOFF"
    case processStateFatal = "PROCESS_STATE_FATAL"
    case processStateRunning = "PROCESS_STATE_RUNNING"
    case processStateUnknown = "PROCESS_STATE_UNKNOWN"
    /// What a process wrote between the two tokens of capture mode.
    case processCommunication = "PROCESS_COMMUNICATION"
    case processCommunicationStdout = "PROCESS_COMMUNICATION_STDOUT"
    case processCommunicationStderr = "PROCESS_COMMUNICATION_STDERR"
    /// What a process wrote.
    case processLog = "PROCESS_LOG"
    case processLogStdout = "PROCESS_LOG_STDOUT"
    case processLogStderr = "PROCESS_LOG_STDERR"
    /// A client's `sendRemoteCommEvent`.
    case remoteCommunication = "REMOTE_COMMUNICATION"
    /// The daemon began to run, or to stop.
    case supervisorStateChange = "SUPERVISOR_STATE_CHANGE"
    case supervisorStateChangeRunning = "SUPERVISOR_STATE_CHANGE_RUNNING"
    case supervisorStateChangeStopping = "SUPERVISOR_STATE_CHANGE_STOPPING"
    /// The wall clock passed a multiple of so many seconds.
    case tick = "TICK"
    case tick5 = "TICK_5"
    case tick60 = "TICK_60"
    case tick3600 = "TICK_3600"
    /// A group became active, or went.
    case processGroup = "PROCESS_GROUP"
    case processGroupAdded = "PROCESS_GROUP_ADDED"
    case processGroupRemoved = "PROCESS_GROUP_REMOVED"
    /// A verdict on a worker began.
    case wardenHealth = "WARDEN_HEALTH"
    /// Warden acted on a verdict, alerted, or knows the outcome.
    case wardenAction = "WARDEN_ACTION"

    /// The type whose subscribers get this one too; `nil` for the root.
    package var parent: EventType? {
        switch self {
        case .event: nil
        case .processState, .processCommunication, .processLog, .remoteCommunication, .supervisorStateChange, .tick,
            .processGroup, .wardenHealth, .wardenAction:
            .event
        case .processStateStopped, .processStateExited, .processStateStarting, .processStateStopping,
            .processStateBackoff, .processStateFatal, .processStateRunning, .processStateUnknown:
            .processState
        case .processCommunicationStdout, .processCommunicationStderr: .processCommunication
        case .processLogStdout, .processLogStderr: .processLog
        case .supervisorStateChangeRunning, .supervisorStateChangeStopping: .supervisorStateChange
        case .tick5, .tick60, .tick3600: .tick
        case .processGroupAdded, .processGroupRemoved: .processGroup
        }
    }

    /// Whether a subscription to these types includes this one.
    package func isWanted(by subscription: Set<EventType>) -> Bool {
        var type: EventType? = self
        while let candidate = type {
            if subscription.contains(candidate) { return true }
            type = candidate.parent
        }
        return false
    }
}

/// The periods of the TICK events.
package enum TickPeriod: Int64, Hashable, Codable, Sendable, CaseIterable {
    case five = 5
    case minute = 60
    case hour = 3600

    /// The last multiple of the period, in seconds since the epoch.
    package func slice(at time: WallTime) -> Int64 {
        let seconds = time.seconds
        let rest = seconds % rawValue
        return seconds - (rest < 0 ? rest + rawValue : rest)
    }
}

/// One of a process's two outputs, by supervisord's word.
package enum OutputChannel: String, Hashable, Codable, Sendable, CaseIterable {
    case stdout, stderr
}

extension Announcement {
    /// The most specific type of event that it is.
    package var eventType: EventType {
        switch self {
        case .processState(_, let state, _, _, _, _): state.eventType
        case .groupAdded: .processGroupAdded
        case .groupRemoved: .processGroupRemoved
        case .supervisorRunning: .supervisorStateChangeRunning
        case .supervisorStopping: .supervisorStateChangeStopping
        case .health: .wardenHealth
        case .action: .wardenAction
        case .tick(.five, _): .tick5
        case .tick(.minute, _): .tick60
        case .tick(.hour, _): .tick3600
        case .remote: .remoteCommunication
        case .output(_, _, .stdout, .log, _): .processLogStdout
        case .output(_, _, .stderr, .log, _): .processLogStderr
        case .output(_, _, .stdout, .communication, _): .processCommunicationStdout
        case .output(_, _, .stderr, .communication, _): .processCommunicationStderr
        }
    }

    /// About how much memory it holds while it waits.
    var weightBytes: Int {
        switch self {
        case .output(_, _, _, _, let text), .remote(_, let text): 256 + text.utf8.count
        case .processState, .groupAdded, .groupRemoved, .supervisorRunning, .supervisorStopping, .health, .action,
            .tick:
            512
        }
    }
}

extension ProcessState {
    fileprivate var eventType: EventType {
        switch self {
        case .stopped: .processStateStopped
        case .starting: .processStateStarting
        case .running: .processStateRunning
        case .backoff: .processStateBackoff
        case .stopping: .processStateStopping
        case .exited: .processStateExited
        case .fatal: .processStateFatal
        case .unknown: .processStateUnknown
        }
    }
}
