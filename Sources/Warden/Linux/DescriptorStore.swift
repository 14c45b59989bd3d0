internal import CWardenLinux
internal import Glibc
internal import WardenCore

/// The limits of what the service manager keeps for us.
package enum StoreLimits {
    /// Descriptors. Each costs the manager a comparison (about 1 us) with every other one that is stored later.
    package static let descriptors = 2000
    /// Bytes of their names, a separator each. At the next start they are one variable of the environment, which the
    /// kernel limits to 128 KiB: past that the service could not be started any more.
    package static let nameBytes = 100_000
    /// Messages that wait because the manager stands still; each may hold a copy of a descriptor.
    package static let waitingStores = 512
    /// The room that is asked for in the socket, in bytes.
    package static let sendBufferBytes: Int32 = 8 * 1024 * 1024
}

/// The service manager's store of descriptors, where they outlive the daemon: FDSTORE=1 of sd_notify(3).
///
/// It never waits. A message that is sent arrives, whatever becomes of the daemon; one that cannot be sent now waits
/// here in order, and dies with the daemon. The manager does not say what it has taken, so what is stored is counted
/// here. Owned by one thread.
package struct DescriptorStore: ~Copyable, Sendable {
    /// What became of a descriptor.
    package enum Outcome: Hashable, Sendable {
        /// The message is sent: it will be stored even if this process dies now.
        case sent
        /// It waits for the manager: watch `readinessDescriptor` for writing, then `flush`.
        case waiting
        /// It is not stored, and will not be.
        case refused(Refusal)
    }

    /// Why a descriptor is not stored.
    package enum Refusal: Hashable, Sendable, CustomStringConvertible {
        /// There is no store: nobody to outlive us.
        case unavailable
        /// As many as there may be are stored.
        case descriptors(Int)
        /// The names would take more bytes than there may be.
        case names(Int)
        /// Too many wait already.
        case waiting(Int)
        /// The socket, or the copy that has to wait, failed.
        case kernel(KernelFailure)

        /// A text for the log.
        package var description: String {
            switch self {
            case .unavailable: "there is no service manager that keeps descriptors"
            case .descriptors(let limit): "the service manager keeps \(limit) descriptors already"
            case .names(let limit): "the names of what the service manager keeps take \(limit) bytes already"
            case .waiting(let limit): "\(limit) descriptors wait already for the service manager, which stands still"
            case .kernel(let failure): "\(failure)"
            }
        }
    }

    /// A message that waits.
    private struct Message {
        /// `nil`: it was withdrawn.
        var name: StoredName?
        /// Our own copy of what is to be stored; `nil` takes the name out.
        var copy: CInt?
    }

    private let address: String
    private var socket: Descriptor?
    private var counts: [StoredName: Int] = [:]
    /// In order.
    private var waiting: [Message] = []
    private var waitingStores = 0
    private let descriptorLimit: Int
    private let nameLimit: Int
    /// Descriptors that are stored, or wait to be.
    package private(set) var descriptorCount = 0
    /// Bytes of their names, a separator each.
    package private(set) var nameBytes = 0

    /// Connects to the store that NOTIFY_SOCKET and FDSTORE speak of.
    ///
    /// - Parameters:
    ///   - address: NOTIFY_SOCKET: a path, or `@` and an abstract name; `nil` for no store.
    ///   - capacity: FDSTORE, of systemd 254 and later: how many the manager takes. Without it a store is assumed.
    ///   - descriptorLimit: descriptors at most.
    ///   - nameLimit: bytes of names at most.
    package init(
        address: String?, capacity: String? = nil, descriptorLimit: Int = StoreLimits.descriptors,
        nameLimit: Int = StoreLimits.nameBytes
    ) {
        self.address = address ?? ""
        self.descriptorLimit = min(descriptorLimit, capacity.flatMap { Int($0) }.map { max(0, $0) } ?? .max)
        self.nameLimit = nameLimit
        socket = Self.connect(self.address)
    }

    /// The store that this process's environment speaks of.
    package static func own() -> DescriptorStore {
        DescriptorStore(
            address: getenv("NOTIFY_SOCKET").map { String(cString: $0) },
            capacity: getenv("FDSTORE").map { String(cString: $0) })
    }

    deinit {
        for message in waiting { if let copy = message.copy { _ = close(copy) } }
    }

    /// Whether there is a store, as far as the environment tells.
    package var isAvailable: Bool { !isDisconnected && descriptorLimit > 0 }

    private var isDisconnected: Bool {
        switch socket {
        case .some: false
        case .none: true
        }
    }

    /// To be watched for writing while `awaitsRoom`; -1 without a store. Should the
    /// manager open its socket anew, it becomes another: look again after every call.
    package var readinessDescriptor: CInt {
        switch socket {
        case .some(let socket): socket.rawValue
        case .none: -1
        }
    }

    /// Messages wait until the manager takes more.
    package var awaitsRoom: Bool { !waiting.isEmpty }

    /// Everything that is stored, or waits to be, once for each descriptor, in no order.
    package var names: [StoredName] { counts.flatMap { Array(repeating: $0.key, count: $0.value) } }

    /// Waits until the manager takes more. For the end, when nothing else is left to do.
    ///
    /// - Parameter patience: how long at most.
    package func awaitRoom(for patience: Duration) {
        var entry = pollfd(fd: readinessDescriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&entry, 1, CInt(clamping: patience.inNanoseconds / 1_000_000))
    }

    /// Whether something is stored, or waits to be, under a name.
    package func holds(_ name: StoredName) -> Bool { counts[name] != nil }

    /// Takes note of what the manager keeps since before this process, or this binary, was started.
    ///
    /// - Parameter name: its name, once for each descriptor.
    package mutating func note(_ name: StoredName) {
        counts[name, default: 0] += 1
        descriptorCount += 1
        nameBytes += Self.bytes(of: name)
    }

    /// Has a descriptor kept.
    ///
    /// The same open file is stored once, under its first name: remove it before it gets another.
    ///
    /// - Parameters:
    ///   - descriptor: stays the caller's, who may close it at once.
    ///   - name: what it is.
    /// - Returns: what became of it. A spawn never waits for it: what is not sent is lost only if the daemon dies.
    package mutating func store(_ descriptor: CInt, as name: StoredName) -> Outcome {
        guard isAvailable else { return .refused(.unavailable) }
        if descriptorCount >= descriptorLimit { return .refused(.descriptors(descriptorLimit)) }
        let size = Self.bytes(of: name)
        if nameBytes + size > nameLimit { return .refused(.names(nameLimit)) }
        var outcome = Outcome.waiting
        if !awaitsRoom {
            switch send(name, descriptor) {
            case 0: outcome = .sent
            case -EAGAIN: break
            case let error: return .refused(.kernel(KernelFailure("store descriptor", name.text, -error)))
            }
        }
        if outcome == .waiting {
            if waitingStores >= StoreLimits.waitingStores { return .refused(.waiting(StoreLimits.waitingStores)) }
            do throws(KernelFailure) {
                waiting.append(Message(name: name, copy: try HostFiles.duplicate(descriptor)))
            } catch {
                return .refused(.kernel(error))
            }
            waitingStores += 1
        }
        note(name)
        return outcome
    }

    /// Has everything of a name let go. Nothing happens when nothing of it is stored.
    ///
    /// - Parameter name: as it was stored.
    package mutating func remove(_ name: StoredName) {
        guard let count = counts.removeValue(forKey: name) else { return }
        descriptorCount -= count
        nameBytes -= count * Self.bytes(of: name)
        let withdrawn = withdraw(name)
        // What never left need not be taken back.
        if withdrawn == count { return }
        if !awaitsRoom {
            // An error other than a full socket leaves the descriptor in the store, where its owner is gone: the next
            // daemon finds a name that it does not want, and removes it.
            if send(name, nil) != -EAGAIN { return }
        }
        // Bounded by what is stored: each name is removed once.
        waiting.append(Message(name: name, copy: nil))
    }

    /// Sends what waits, as far as the manager takes it.
    ///
    /// - Returns: whether nothing waits any more.
    @discardableResult
    package mutating func flush() -> Bool {
        var sent = 0
        defer { waiting.removeFirst(sent) }
        while sent < waiting.count {
            if let name = waiting[sent].name {
                // Any other error than a full socket would come again: what cannot be sent is dropped.
                if send(name, waiting[sent].copy) == -EAGAIN { return false }
                dropCopy(sent)
            }
            sent += 1
        }
        return true
    }

    // MARK: - Sending

    /// - Returns: how many had not been sent.
    private mutating func withdraw(_ name: StoredName) -> Int {
        var count = 0
        for place in waiting.indices where waiting[place].name == name && waiting[place].copy != nil {
            dropCopy(place)
            waiting[place].name = nil
            count += 1
        }
        return count
    }

    private mutating func dropCopy(_ place: Int) {
        guard let copy = waiting[place].copy else { return }
        waiting[place].copy = nil
        _ = close(copy)
        waitingStores -= 1
    }

    /// - Returns: 0, or a negative errno.
    private mutating func send(_ name: StoredName, _ descriptor: CInt?) -> CInt {
        // FDPOLL=0: else the manager drops a pidfd or pipe as soon as it hangs up, which is when it is wanted most.
        let text =
            descriptor == nil
            ? "FDSTOREREMOVE=1\nFDNAME=\(name.text)" : "FDSTORE=1\nFDPOLL=0\nFDNAME=\(name.text)"
        let answer = send(text, descriptor ?? -1)
        guard answer == -ECONNREFUSED || answer == -ENOTCONN || answer == -ECONNRESET || answer == -EPIPE else {
            return answer
        }
        // The manager has opened its socket anew.
        socket = Self.connect(address)
        return isDisconnected ? answer : send(text, descriptor ?? -1)
    }

    private func send(_ text: String, _ descriptor: CInt) -> CInt {
        var text = text
        let number = readinessDescriptor
        return text.withUTF8 { warden_send_with_descriptor(number, $0.baseAddress, $0.count, descriptor) }
    }

    private static func connect(_ address: String) -> Descriptor? {
        if address.isEmpty { return nil }
        let number = warden_connect_notify_socket(address, StoreLimits.sendBufferBytes)
        return number < 0 ? nil : Descriptor(owning: number)
    }

    private static func bytes(of name: StoredName) -> Int { name.text.utf8.count + 1 }
}
