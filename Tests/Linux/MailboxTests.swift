import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("Mailboxes, threads and polling")
struct MailboxTests {
    @Test("a mailbox takes up to its capacity, says when it is full, and keeps the order")
    func bounds() throws {
        let mailbox = try Mailbox<Int>(capacity: 3)
        #expect((1...5).map { mailbox.post($0) } == [.accepted, .accepted, .accepted, .full, .full])
        #expect(mailbox.drain() == [1, 2, 3])
        #expect(mailbox.drain().isEmpty)
        #expect(mailbox.post(6) == .accepted)
        #expect(mailbox.drain() == [6])
    }

    @Test("the newest drives out the oldest", arguments: [1, 3])
    func newest(capacity: Int) throws {
        let mailbox = try Mailbox<Int>(capacity: capacity)
        let dropped = (1...5).compactMap { mailbox.postNewest($0) }
        #expect(dropped == Array(1...5).dropLast(capacity))
        #expect(mailbox.drain() == Array(Array(1...5).suffix(capacity)))
    }

    @Test("its descriptor is readable from the first post to the drain")
    func bell() throws {
        let mailbox = try Mailbox<Int>(capacity: 8, isPolled: true)
        var poller = try Poller()
        try poller.add(mailbox.readinessDescriptor, token: 7, .readable)
        #expect(try poller.wait(until: .origin).isEmpty)
        _ = mailbox.post(1)
        _ = mailbox.post(2)
        #expect(try poller.wait(until: .origin).map(\.token) == [7])
        _ = mailbox.drain()
        #expect(try poller.wait(until: .origin).isEmpty)
        #expect(!mailbox.wait(until: .origin))
    }

    @Test("across threads nothing that was accepted is lost, and nobody sleeps through a post")
    func threads() throws {
        let mailbox = try Mailbox<Int>(capacity: 16)
        let each = 5000
        let producers = 4
        let threads = Threads()
        for _ in 0..<producers {
            try threads.start("producer") {
                for number in 0..<each { while mailbox.post(number) == .full { sched_yield() } }
            }
        }
        var sum = 0
        var count = 0
        while count < each * producers {
            try #require(mailbox.wait(until: MonotonicClock.now() + Launchpad.patience))
            let elements = mailbox.drain()
            try #require(elements.count <= 16)
            count += elements.count
            sum += elements.reduce(0, +)
        }
        threads.join()
        #expect(mailbox.drain().isEmpty)
        #expect(sum == producers * each * (each - 1) / 2)
    }

    @Test("a thread has its name, and every signal but those of its own faults blocked")
    func thread() throws {
        let mailbox = try Mailbox<[String]>(capacity: 1)
        let thread = try NamedThread.start(name: "warden-shell-too-long") {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            let blocked = [SIGTERM, SIGCHLD, SIGUSR1, SIGSEGV].map { "\(sigismember(&mask, $0))" }
            // What cannot be read shows in the comparison below.
            let name = try? Launchpad.readAll(Descriptor.open("/proc/thread-self/comm", O_RDONLY))
            _ = mailbox.post([name ?? ""] + blocked)
        }
        thread.join()
        #expect(mailbox.drain() == [["warden-shell-to\n", "1", "1", "1", "0"]])
    }

    @Test("a wait ends at its deadline and not before", arguments: [0, 1, 700_000, 15_000_000])
    func deadline(nanoseconds: Int64) throws {
        var poller = try Poller()
        let deadline = MonotonicClock.now() + .nanoseconds(nanoseconds)
        #expect(try poller.wait(until: deadline).isEmpty)
        #expect(MonotonicClock.now() >= deadline)
    }

    @Test("an empty interest is woken by the end alone")
    func hangUp() throws {
        var poller = try Poller()
        let (reader, writer) = try Launchpad.ends()
        let output = Descriptor(owning: reader)
        try poller.add(output.rawValue, token: 5, [])
        var byte: UInt8 = 1
        #expect(Glibc.write(writer, &byte, 1) == 1)
        #expect(try poller.wait(until: .origin).isEmpty)
        try poller.change(output.rawValue, token: 6, .readable)
        #expect(try poller.wait(until: .origin).map(\.token) == [6])
        close(writer)
        let ready = try poller.wait(until: .origin)
        #expect(ready.count == 1 && ready[0].isHungUp && !ready[0].isWritable)
        poller.remove(output.rawValue)
        #expect(try poller.wait(until: .origin).isEmpty)
        #expect(throws: KernelFailure.self) { try poller.add(9999, token: 1, .readable) }
    }

    @Test("the daemon's signals are read one by one, and kill nobody")
    func signals() async {
        await #expect(processExitsWith: .success) {
            SignalSource.blockForProcess()
            let source = try SignalSource()
            // To this thread: the test's other threads were there before the mask.
            for signal in [SIGTERM, SIGUSR1, SIGHUP] { try #require(pthread_kill(pthread_self(), signal) == 0) }
            let receipts = source.drain()
            #expect(receipts.map(\.signal.number).sorted() == [SIGHUP, SIGUSR1, SIGTERM].sorted())
            #expect(receipts.allSatisfy { $0.sender == getpid() })
            #expect(source.drain().isEmpty)
            // A write to a closed pipe is an errno, not a death.
            let (reader, writer) = try Launchpad.ends()
            close(reader)
            var byte: UInt8 = 1
            #expect(write(writer, &byte, 1) == -1 && errno == EPIPE)
        }
    }
}

/// Threads of a test, which cannot be kept in an array themselves.
final class Threads {
    private var joins: [() -> Void] = []

    func start(_ name: String, _ body: sending @escaping () -> Void) throws {
        var thread: NamedThread? = try NamedThread.start(name: name, body: body)
        joins.append { thread.take()?.join() }
    }

    func join() {
        for join in joins { join() }
    }
}
