import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("Notifications")
struct NotifyTests {
    @Test("the service manager gets what sd_notify(3) documents, one datagram each")
    func service() async {
        await #expect(processExitsWith: .success) {
            #expect(!ServiceNotifier().isConnected)
            try ServiceNotifier().ready(status: "nobody listens")

            let scratch = try Scratch()
            let path = "\(scratch.path)/notify"
            let socket = Descriptor(owning: socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0))
            try #require(withAddress(path) { bind(socket.rawValue, $0, $1) } == 0)
            setenv("NOTIFY_SOCKET", path, 1)

            let notifier = ServiceNotifier()
            #expect(notifier.isConnected)
            try notifier.ready(status: "3 workers:\n2 healthy")
            try notifier.status("stopping")
            try notifier.reloading(at: Instant(nanoseconds: 1_234_567_890))
            try notifier.beat()
            try notifier.extendTimeout(by: .seconds(2))
            var store = DescriptorStore.own()
            let stored = store.store(socket.rawValue, as: .state)
            #expect(stored == .sent)
            store.remove(.state)
            try notifier.stopping()
            var received: [String] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let size = recv(socket.rawValue, &buffer, 4096, 0), size >= 0 {
                received.append(String(decoding: buffer.prefix(size), as: UTF8.self))
            }
            #expect(
                received == [
                    "READY=1\nSTATUS=3 workers: 2 healthy", "STATUS=stopping", "RELOADING=1\nMONOTONIC_USEC=1234567",
                    "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=2000000", "FDSTORE=1\nFDPOLL=0\nFDNAME=state",
                    "FDSTOREREMOVE=1\nFDNAME=state", "STOPPING=1",
                ])

            unlink(path)
            let refusal = #expect(throws: KernelFailure.self) { try notifier.beat() }
            #expect(refusal?.errorNumber == ENOENT)
        }
    }

    @Test("the watchdog's interval is the manager's, and only when it is meant for us")
    func watchdog() async {
        await #expect(processExitsWith: .success) {
            #expect(ServiceNotifier.watchdogInterval() == nil)
            setenv("WATCHDOG_USEC", "30000000", 1)
            #expect(ServiceNotifier.watchdogInterval() == .seconds(30))
            setenv("WATCHDOG_PID", "1", 1)
            #expect(ServiceNotifier.watchdogInterval() == nil)
        }
    }

    @Test("a worker's own notifications arrive with their sender; descriptors that come with them are closed")
    func worker() async {
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let path = "\(scratch.path)/worker"
            let socket = try WorkerNotifySocket(path: path, owner: 65534)
            var status = stat()
            try #require(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o600 && status.st_uid == 65534)
            #expect(socket.drain().isEmpty)

            setenv("NOTIFY_SOCKET", path, 1)
            let notifier = ServiceNotifier()
            let before = try openDescriptors()
            try notifier.ready(status: "up")
            try notifier.beat()
            var store = DescriptorStore(address: path)
            let stored = store.store(0, as: .state)
            #expect(stored == .sent)
            store = DescriptorStore(address: nil)
            let notifications = socket.drain()
            #expect(notifications.map(\.words) == [[.ready, .status("up")], [.beat], []])
            #expect(notifications.allSatisfy { $0.sender == getpid() })
            #expect(try openDescriptors() == before)
        }
    }

    @Test("a datagram that is too long is dropped, and the next one is read")
    func tooLong() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/worker"
        do {
            let socket = try WorkerNotifySocket(path: path, owner: nil)
            for text in [String(repeating: "x", count: EdgeLimits.notificationBytes + 1), "WATCHDOG=1"] {
                let sender = Descriptor(owning: Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
                let sent = withAddress(path) { CInt(sendto(sender.rawValue, text, text.utf8.count, 0, $0, $1)) }
                try #require(sent == text.utf8.count)
            }
            #expect(socket.drain().map(\.words) == [[.beat]])
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test("standard error counts as the journal only where JOURNAL_STREAM names that very file")
    func journalStream() async {
        await #expect(processExitsWith: .success) {
            var status = stat()
            try #require(fstat(STDERR_FILENO, &status) == 0)
            #expect(!Journal.isStandardErrorConnected())
            setenv("JOURNAL_STREAM", "\(status.st_dev):\(status.st_ino)", 1)
            #expect(Journal.isStandardErrorConnected())
            setenv("JOURNAL_STREAM", "\(status.st_dev):\(status.st_ino + 1)", 1)
            #expect(!Journal.isStandardErrorConnected())
        }
    }

    @Test(
        "supervisord's levels in syslog's numbers",
        arguments: zip(
            [LogRecord.Level.blather, .trace, .debug, .info, .warn, .error, .critical], [7, 7, 7, 6, 4, 3, 2]))
    func priorities(level: LogRecord.Level, priority: Int) {
        #expect(level.syslogPriority == priority)
    }
}
