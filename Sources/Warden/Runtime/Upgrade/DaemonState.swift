import WardenCore
import WardenLinux
import WardenWire

/// All that one binary tells the next when it takes over in place. Descriptors are told by their numbers.
struct DaemonState: Codable {
    /// A format that an older binary would misread gets the next number; members that are merely new do not.
    static let format = 1

    /// A worker's process.
    struct Worker: Codable {
        var worker: WorkerID
        var spec: ProgramSpec
        var pid: Int32
        var pidfd: Int32
        var input: Int32?
        var unsent: [UInt8]
        var notifyPath: String?
        var notifySocket: Int32?
        var isReaped: Bool
        var isReleased: Bool
        var hasFailed: Bool
    }

    /// A command that runs for a worker.
    struct Command: Codable {
        var worker: WorkerID
        var hook: Hook
        var pid: Int32
        var pidfd: Int32
        var output: Int32
        var endsIn: Duration
        var collected: [UInt8]
        var isTimedOut: Bool
    }

    /// The socket of an fcgi-program.
    struct Shared: Codable {
        var key: SharedSocketKey
        var socket: Int32
        var users: Set<WorkerID>
        /// Its number among what outlives a crash.
        var number: UInt32?
    }

    /// A socket that is served.
    struct Listening: Codable {
        /// Its path, or `HOST:PORT`.
        var place: String
        var socket: Int32
        var lock: Int32?
    }

    var format = DaemonState.format
    /// The version of who wrote it.
    var version = Version.text
    var limits: DaemonLimits
    var nextRequest: UInt64
    var supervisor: Supervisor
    var workers: [Worker]
    var commands: [Command]
    var pumped: [PumpedWorker]
    var sharedSockets: [Shared]
    var listening: [Listening]
    var logs: [WorkerLogs.Known]
    /// What outlives a crash, if anything does.
    var memory: Int32?
    /// The names of the descriptors that the service manager keeps.
    var stored: [String]?

    /// Everything that has to stay open for the next binary.
    var descriptors: [CInt] {
        var all: [Int32?] = workers.flatMap { [$0.pidfd, $0.input, $0.notifySocket] }
        all += commands.flatMap { [$0.pidfd, $0.output] }
        all += pumped.flatMap { $0.streams.map(\.descriptor) }
        all.append(memory)
        all += sharedSockets.map(\.socket)
        all += listening.flatMap { [$0.socket, $0.lock] }
        return all.compactMap { $0 }
    }

    /// - Returns: the bytes.
    /// - Throws: when it is too large.
    func encoded() throws(StateFailure) -> [UInt8] { try StateEncoder.encode(self).encoded() }

    /// - Parameter bytes: as another binary wrote them.
    /// - Throws: when they are damaged, or of a format that this one does not know.
    static func decoded(_ bytes: [UInt8]) throws(StateFailure) -> DaemonState {
        let value = try StateValue(decoding: bytes)
        let head = try StateDecoder.decode(Head.self, from: value)
        guard (format - 1...format).contains(head.format) else {
            throw .unexpected(
                path: "/format", what: "\(head.format) of version \(head.version), this one reads \(format)")
        }
        return try StateDecoder.decode(DaemonState.self, from: value)
    }

    private struct Head: Codable {
        var format: Int
        var version: String
    }
}
