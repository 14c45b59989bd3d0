import WardenCore
import WardenLinux

extension KernelMachine {
    mutating func reply(_ request: RequestID, _ reply: Reply) {
        parts.bridge.answer(request, reply)
    }

    func log(_ record: LogRecord) {
        parts.mainLog.write(record)
    }

    mutating func announce(_ announcement: Announcement) {
        parts.bridge.happened(announcement)
        switch announcement {
        case .processState(let name, let state, let from, let pid, let tries, _):
            let text = "state: \(name.qualified) \(from.word) -> \(state.word), pid \(pid ?? 0), tries \(tries)"
            log(LogRecord(.debug, text, fields: ["WARDEN_WORKER": name.qualified, "WARDEN_STATE": state.word]))
        case .groupAdded(let name): log(LogRecord(.info, "added process group \(name)"))
        case .groupRemoved(let name): log(LogRecord(.info, "removed process group \(name)"))
        case .supervisorRunning: log(LogRecord(.debug, "supervision begins"))
        case .supervisorStopping: parts.bridge.moodChanged(.shuttingDown)
        case .health: break  // The core's log record says it with its reason.
        case .action, .tick, .remote, .output: break  // For listeners alone.
        }
    }

    mutating func store(_ incident: Incident) {
        parts.scribe.store(incident, owed: keeper.takeOwed())
    }

    mutating func store(_ record: RecordBlock) {
        parts.scribe.store(record)
    }

    mutating func post(_ alert: Alert) {
        parts.bridge.happened(alert)
        parts.scribe.send(alert, owed: keeper.takeOwed())
    }

    mutating func notify(_ notice: ServiceNotice) {
        parts.notices.tell(notice)
    }

    mutating func loadConfiguration(for request: RequestID?) {
        parts.notices.reloading()
        let (inbox, notices, bridge) = (parts.inbox, parts.notices, parts.bridge)
        let configurations = parts.configurations
        let renewCertificate = sockets?.renewCertificate
        let isTaken = parts.readers.submit(deadline: MonotonicClock.now() + .seconds(10)) {
            let result = configurations.groups()
            if case .success(let groups) = result {
                bridge.configurationRead(groups)
                renewCertificate?()
            }
            // Exits and answers are never dropped: the inbox is sized for far more than this.
            _ = inbox.post(.configurationLoaded(request, result))
            notices.tell(.ready)
        }
        guard !isTaken else { return }
        let refusal = ConfigurationRefusal(text: "every reader thread is stuck; the configuration was not read")
        pending.append(.configurationLoaded(request, .failure(refusal)))
        notices.tell(.ready)
    }

    mutating func takeCensus(of worker: WorkerID) {
        guard let process = workers[worker], !process.isReaped else { return }
        let (inbox, pid) = (parts.inbox, process.child.pid)
        let deadline = MonotonicClock.now() + RuntimeLimits.censusTime
        // When no thread is free there is none: the supervisor asks again at the next age.
        parts.readers.submit(deadline: deadline + .seconds(5)) {
            guard let kinds = Census.kinds(ofTightestIn: pid, until: deadline) else { return }
            _ = inbox.post(.worker(worker, .censusTaken(kinds)))
        }
    }
}
