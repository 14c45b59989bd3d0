import WardenCore
import WardenLinux

/// Whose socket it is: that of one `[fcgi-program:x]` in one group, as it is configured now.
struct SharedSocketKey: Hashable, Codable {
    var group: String
    var program: String
    var spec: SharedSocketSpec
}

/// A socket, and the workers that have it.
final class SharedSocketUse {
    let socket: SharedSocket
    var users: Set<WorkerID>
    /// Its number among what outlives the daemon.
    var number: UInt32?

    init(_ socket: consuming SharedSocket, users: Set<WorkerID> = []) {
        self.socket = socket
        self.users = users
    }
}

/// The sockets of fcgi-programs: made at the first start, shared by all processes of the program, closed when the last
/// of them has ended.
extension KernelMachine {
    /// The descriptor of a worker's socket; `nil` when its program has none. The worker counts as a user from now on.
    ///
    /// - Throws: `.socket` when it cannot be made.
    mutating func sharedSocket(of worker: WorkerID, _ program: ProgramSpec) throws(SpawnFailure) -> CInt? {
        guard let spec = program.launch.socket else { return nil }
        let key = SharedSocketKey(group: program.name.group, program: program.program, spec: spec)
        if let use = sharedSockets[key] {
            use.users.insert(worker)
            keeper.keep(key, use)
            return use.socket.descriptor
        }
        let use = try makeSharedSocket(spec)
        use.users.insert(worker)
        sharedSockets[key] = use
        keeper.keep(key, use)
        return use.socket.descriptor
    }

    private func makeSharedSocket(_ spec: SharedSocketSpec) throws(SpawnFailure) -> SharedSocketUse {
        let url = spec.address.url
        log(LogRecord(.info, "Creating socket \(url)"))
        do throws(ListenFailure) {
            return SharedSocketUse(try SharedSocket(spec))
        } catch {
            var failure = SpawnFailure(stage: .socket, errorNumber: 0, subject: url, explanation: error.description)
            if case .kernel(let cause) = error { failure.errorNumber = cause.errorNumber }
            throw failure
        }
    }

    /// A worker is gone, or was never there.
    mutating func leaveSharedSocket(_ worker: WorkerID) {
        guard let (key, use) = sharedSockets.first(where: { $0.value.users.contains(worker) }) else { return }
        use.users.remove(worker)
        guard use.users.isEmpty else { return keeper.keep(key, use) }
        keeper.drop(use)
        log(LogRecord(.info, "Closing socket \(key.spec.address.url)"))
        sharedSockets[key] = nil
    }
}
