import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: real programs that hang, and others that only wait, are read as what they are. Each shape is a Python program
/// whose waits are read by the real reader as soon as it has settled.
@Suite(.serialized) struct WaitTests {
    /// A shape: its program, and what two readings of it must say.
    struct Shape: Sendable, CustomTestStringConvertible {
        var name: String
        var closure: WaitReport.Closure
        /// Waits that must be among its threads'.
        var waits: Set<WaitReport.Wait>
        var script: String
        var testDescription: String { name }
    }

    static let start = """
        import os, queue, select, signal, socket, sys, threading, time
        def thread(body, *arguments):
            threading.Thread(target=body, args=arguments, daemon=True).start()
        def forever():
            queue.Queue().get()
        def child(body):
            pid = os.fork()
            if pid == 0:
                body()
                os._exit(0)
            return pid

        """

    static let shapes: [Shape] = [
        Shape(
            name: "ABBA deadlock", closure: .closed, waits: [.futex],
            script: """
                a, b, meet = threading.Lock(), threading.Lock(), threading.Barrier(2)
                def take(x, y):
                    with x:
                        meet.wait()
                        y.acquire()
                thread(take, a, b)
                thread(take, b, a)
                print('ready')
                forever()
                """),
        Shape(
            name: "lone queue.get()", closure: .closed, waits: [.futex],
            script: "print('ready'); forever()"),
        Shape(
            name: "idle in epoll", closure: .open, waits: [.poll],
            script: "print('ready'); select.epoll().poll()"),
        Shape(
            name: "idle in recv", closure: .open, waits: [.socket],
            script: "a, b = socket.socketpair(); print('ready'); a.recv(1)"),
        Shape(
            name: "sleep poll loop", closure: .open, waits: [.timeout],
            script: "print('ready')\nwhile True: time.sleep(5)"),
        Shape(
            name: "idle pool, main thread in epoll", closure: .open, waits: [.poll, .futex],
            script: """
                for _ in range(3): thread(forever)
                print('ready')
                select.epoll().poll()
                """),
        Shape(
            name: "reads a pipe that only a sleeping child holds", closure: .open, waits: [.pipe, .timeout],
            script: """
                reader, writer = os.pipe()
                child(lambda: time.sleep(1000))
                os.close(writer)
                print('ready')
                os.read(reader, 1)
                """),
        Shape(
            name: "reads a pipe that only a deadlocked child holds", closure: .closed, waits: [.pipeRead, .futex],
            script: """
                reader, writer = os.pipe()
                child(forever)
                os.close(writer)
                print('ready')
                os.read(reader, 1)
                """),
        Shape(
            name: "writes to a full pipe that only a deadlocked child reads", closure: .closed,
            waits: [.pipeWrite, .futex],
            script: """
                reader, writer = os.pipe()
                child(forever)
                os.close(reader)
                print('ready')
                os.write(writer, b'x' * 1000000)
                """),
        Shape(
            name: "waits for a deadlocked child", closure: .closed, waits: [.child, .futex],
            script: "child(forever); print('ready'); os.wait()"),
        Shape(
            name: "waits for a child that sleeps", closure: .open, waits: [.child, .timeout],
            script: "child(lambda: time.sleep(1000)); print('ready'); os.wait()"),
        Shape(
            name: "DataLoader-like: get with a time-out", closure: .open, waits: [.timeout],
            script: """
                print('ready')
                while True:
                    try: queue.Queue().get(timeout=5)
                    except queue.Empty: pass
                """),
        Shape(
            name: "livelock", closure: .open, waits: [.running],
            script: "print('ready')\nwhile True: pass"),
        Shape(
            name: "reads standard input, which the test may write to", closure: .open, waits: [.pipe],
            script: "print('ready'); os.read(0, 1)"),
        Shape(
            name: "eventfd", closure: .open, waits: [.descriptor],
            script: "number = os.eventfd(0); print('ready'); os.read(number, 8)"),
        Shape(
            name: "deadlock beside a handler for SIGUSR1", closure: .closedButForSignals, waits: [.futex],
            script: """
                signal.signal(signal.SIGUSR1, lambda *_: None)
                print('ready')
                forever()
                """),
        Shape(
            name: "handlers for SIGTERM and SIGCHLD wake nobody", closure: .closed, waits: [.futex],
            script: """
                for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
                    signal.signal(number, lambda *_: None)
                print('ready')
                forever()
                """),
        Shape(
            name: "setitimer: SIGALRM is caught", closure: .closedButForSignals, waits: [.futex],
            script: """
                signal.signal(signal.SIGALRM, lambda *_: None)
                signal.setitimer(signal.ITIMER_REAL, 1000)
                print('ready')
                forever()
                """),
        Shape(
            name: "timer_create", closure: .open, waits: [.futex],
            script: """
                import ctypes
                timer = ctypes.c_void_p()
                made = ctypes.CDLL(None).timer_create(1, None, ctypes.byref(timer))
                print('ready' if made == 0 else 'failed')
                forever()
                """),
        Shape(
            name: "sigwait", closure: .open, waits: [.signal],
            script: "print('ready'); signal.sigwait([signal.SIGUSR1])"),
        Shape(
            name: "a semaphore that other processes may share", closure: .open, waits: [.sharedFutex],
            script: """
                import multiprocessing
                lock = multiprocessing.Semaphore(0)
                print('ready')
                lock.acquire()
                """),
        Shape(
            name: "waits for a file lock of another", closure: .open, waits: [.lock, .futex],
            script: """
                import fcntl, tempfile
                path = tempfile.NamedTemporaryFile()
                held = open(path.name); fcntl.flock(held, fcntl.LOCK_EX)
                child(forever)
                mine = open(path.name)
                print('ready')
                fcntl.flock(mine, fcntl.LOCK_EX)
                """),
    ]

    /// Readings until the shape has settled into what is expected of it, or a good while.
    static func settled(_ pid: Int32, _ isExpected: (WaitTable) -> Bool) throws -> WaitTable {
        let reader = try WaitReader()
        let deadline = MonotonicClock.now() + .seconds(20)
        while true {
            let table = reader.read(pid, until: .distantFuture)
            if isExpected(table) || MonotonicClock.now() > deadline { return table }
            sched_yield()
        }
    }

    @Test(arguments: shapes) func shapesAreReadAsWhatTheyAre(_ shape: Shape) throws {
        let child = try ProcTestChild.start(Self.start + shape.script)
        #expect(try child.line() == "ready")
        let pid = child.pid
        // A pipe is known to be closed only by who may look at every process.
        let mayLook = geteuid() == 0 || !shape.waits.contains(.pipeRead) && !shape.waits.contains(.pipeWrite)
        let table = try Self.settled(pid) {
            Set($0.rows.map(\.wait)).isSuperset(of: shape.waits) && $0.report.closure == shape.closure
        }
        #expect(table.gaps == [])
        guard mayLook else {
            #expect(table.report.closure == .open)
            return
        }
        #expect(Set(table.rows.map(\.wait)).isSuperset(of: shape.waits), "\(table.rows.map(\.line))")
        #expect(table.report.closure == shape.closure, "\(table.rows.map(\.line))")
        ProcTestChild.endTree(of: pid)
    }

    @Test func twoReadingsOfADeadlockAreEqualAndOfAWorkerThatMovesAreNot() throws {
        let still = try ProcTestChild.start(Self.start + "print('ready'); forever()")
        _ = try still.line()
        let first = try Self.settled(still.pid) { $0.report.closure == .closed }
        let second = try WaitReader().read(still.pid, until: .distantFuture)
        #expect(second.report.isUnmoved(since: first.report))
        let moving = try ProcTestChild.start(Self.start + "print('ready')\nwhile True: time.sleep(0.001)")
        _ = try moving.line()
        let before = try WaitReader().read(moving.pid, until: .distantFuture)
        let after = try Self.settled(moving.pid) { !$0.report.isUnmoved(since: before.report) }
        #expect(!after.report.isUnmoved(since: before.report))
    }

    @Test("Goal: who blocks on a pipe that this process reads is blocked on its output, and never closed")
    func fullOutput() throws {
        let child = try ProcTestChild.start(Self.start + "print('ready', flush=True); os.write(1, b'x' * 1000000)")
        #expect(try child.line() == "ready")
        let table = try Self.settled(child.pid) { $0.report.isBlockedOnOutput }
        #expect(table.report.isBlockedOnOutput, "\(table.rows.map(\.line))")
        #expect(table.report.closure == .open)
    }

    @Test func aStoppedWorkerIsHeldAndNeverClosed() throws {
        let child = try ProcTestChild.start(Self.start + "print('ready'); forever()")
        _ = try child.line()
        _ = try Self.settled(child.pid) { $0.report.closure == .closed }
        kill(child.pid, SIGSTOP)
        let table = try Self.settled(child.pid) { $0.rows.first?.wait == .held }
        #expect(table.rows.map(\.wait) == [.held])
        #expect(table.report.closure == .open)
    }

    @Test func whoIsGoneIsAGap() throws {
        let table = try WaitReader().read(0x3FFF_FFFE, until: .distantFuture)
        #expect(table.gaps == ["waits: No such process"])
        #expect(table.report.closure == .unreadable)
        let late = try WaitReader().read(getpid(), until: .origin)
        #expect(late.gaps == ["waits: out of time"])
    }

    @Test func kernelStacksAreReadWhereTheyMayBe() throws {
        guard geteuid() == 0 else { return }
        let child = try ProcTestChild.start(Self.start + "print('ready'); forever()")
        _ = try child.line()
        _ = try Self.settled(child.pid) { $0.report.closure == .closed }
        let table = try WaitReader().read(child.pid, stacks: true, until: .distantFuture)
        #expect(table.rows.first?.stack.contains("futex_wait") == true, "\(table.rows)")
    }
}
