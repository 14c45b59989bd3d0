import Synchronization
import WardenCore
import WardenLinux

/// What the daemon's threads have too little of: each says what it has to give up, and when that is over. The status
/// line and `GET /api/v1/daemon` show it.
final class Shortages: Sendable {
    /// What is short.
    enum Matter: Hashable, Comparable {
        case descriptors
        case history
        case daemonLog
        case workerLog(String)
    }

    private let matters = Mutex<[Matter: String]>([:])

    /// - Parameters:
    ///   - matter: what it is about.
    ///   - words: what is short and what is given up for it; `nil` when that is over.
    func note(_ matter: Matter, _ words: String?) {
        matters.withLock { matters in
            // Logs come and go; those beyond are in the daemon's log.
            guard matters[matter] != nil || matters.count < RuntimeLimits.shortages else { return }
            matters[matter] = words
        }
    }

    /// The pump has news of a log.
    func note(_ trouble: LogTrouble) {
        guard !trouble.path.isEmpty else { return }
        if trouble.isStuck {
            return note(.workerLog(trouble.path), "\(trouble.path): its disk does not answer, who writes to it waits")
        }
        let words = trouble.failure.map {
            "\(trouble.path) takes no lines, they are dropped (\(Kernel.text(of: $0.errorNumber)))"
        }
        note(.workerLog(trouble.path), words)
    }

    /// How many descriptors are left.
    func note(_ reading: DescriptorHeadroom.Reading) {
        let words =
            "descriptors (\(reading.free) of \(reading.limit) left: clients are shed and workers wait to be started; "
            + "raise LimitNOFILE or minfds)"
        note(.descriptors, reading.isComfortable ? nil : words)
    }

    /// Each in words, in an order that does not change.
    var words: [String] {
        matters.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }
}
