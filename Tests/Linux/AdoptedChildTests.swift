import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("Adopted processes")
struct AdoptedChildTests {
    /// What a stranger's child does: the parent says `pid`, reaps it when told to, and then says so.
    private static let script = """
        import ctypes, os, signal, socket, sys
        # Stands in for process 1: the grandchild of a double fork is its to reap.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        link = socket.socket(fileno=3)
        middle = os.fork()
        if middle == 0:
            last = os.fork()
            if last == 0:
                link.close()
                how = ACTION
                if how < 0: signal.pause()
                sys.stdin.readline()
                os._exit(how)
            os.setpgid(last, last)
            pidfd = os.pidfd_open(last)
            os.write(5, b'%d' % last)
            socket.send_fds(link, [b'x'], [pidfd])
            os._exit(0)
        os.waitpid(middle, 0)
        link.recv(1)
        pid, status = os.waitpid(-1, 0)
        link.send(b'y')
        link.recv(1)
        """

    /// A stranger with a child, the child's pidfd passed over a socket.
    private struct World: ~Copyable {
        var parent: Child
        let link: Descriptor
        let input: Descriptor
        let pid: Int32
        let pidfd: CInt

        static func make(action: Int) throws -> World {
            var pair: [CInt] = [-1, -1]
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
            let link = Descriptor(owning: pair[0])
            let other = Descriptor(owning: pair[1])
            let (inputReader, inputWriter) = try Launchpad.ends()
            let (numberReader, numberWriter) = try Launchpad.ends()
            let reader = Descriptor(owning: inputReader)
            let input = Descriptor(owning: inputWriter)
            let numbers = Descriptor(owning: numberReader)
            let writer = Descriptor(owning: numberWriter)
            let text = AdoptedChildTests.script.split(separator: "ACTION").joined(separator: "\(action)")
            var plan = Launchpad.plan(["python3", "-c", text])
            plan.descriptors = [reader.rawValue, 2, 2, other.rawValue, -1, writer.rawValue]
            let spawned = try Spawner().spawn(plan)
            let parent = spawned.takeChild()
            var buffer = [UInt8](repeating: 0, count: 32)
            let size = try buffer.withUnsafeMutableBytes { try numbers.read(into: $0) } ?? 0
            let pid = try #require(Int32(String(decoding: buffer.prefix(size), as: UTF8.self)))
            let pidfd = try #require(receiveDescriptor(link.rawValue))
            return World(parent: parent, link: link, input: input, pid: pid, pidfd: pidfd)
        }

        /// Has the child end by itself.
        func letGo() throws { _ = try Array("\n".utf8).withUnsafeBytes { try input.write($0) } }

        /// Has the parent reap the child, and waits until it has.
        func reapThere() throws {
            try #require(send(link.rawValue, "r", 1, 0) == 1)
            var byte: UInt8 = 0
            try #require(recv(link.rawValue, &byte, 1, 0) == 1)
        }

        mutating func end() throws {
            shutdown(link.rawValue, CInt(SHUT_RDWR))
            try parent.deliver(.kill)
            _ = try Launchpad.end(of: &parent)
        }
    }

    @Test("it exits by a code or by a signal: nothing before it is reaped by its parent, then its status")
    func exits() throws {
        for action in [7, -1] {
            var world = try World.make(action: action)
            var child = Child(adopting: world.pid, pidfd: Descriptor(owning: world.pidfd))
            let (isOurs, interest) = (child.isOurs, child.readinessInterest)
            #expect(!isOurs && interest == [])
            var poller = try Poller()
            try poller.add(child.readinessDescriptor, token: 9, child.readinessInterest)
            #expect(try child.reap() == nil)
            #expect(try child.deliver(Signal(0)))
            if action < 0 { #expect(try child.deliverToGroup(Signal(SIGTERM))) } else { try world.letGo() }
            let pid = world.pid
            #expect(Launchpad.until { TreeMember(pid: pid)?.state == .zombie })
            // A zombie does not wake: its status is not there yet.
            #expect(try poller.wait(until: MonotonicClock.now()).isEmpty)
            #expect(try child.reap() == nil)
            #expect(try child.peekExit() == nil)
            try world.reapThere()
            let ready = try poller.wait(until: MonotonicClock.now() + Launchpad.patience)
            #expect(ready.map(\.token) == [9])
            let expected: WardenCore.ExitStatus = action < 0 ? .signal(SIGTERM, coreDumped: false) : .code(7)
            #expect(try child.peekExit() == expected)
            #expect(try child.reap() == expected)
            #expect(try !child.deliver(.kill))
            #expect(try !child.deliverToGroup(.kill))
            poller.remove(child.readinessDescriptor)
            try world.end()
        }
    }

    @Test("one that was dead and reaped before it was adopted still tells how it ended")
    func deadBefore() throws {
        for action in [3, -1] {
            var world = try World.make(action: action)
            let pidfd = Descriptor(owning: world.pidfd)
            if action < 0 { kill(world.pid, SIGKILL) } else { try world.letGo() }
            try world.reapThere()
            var child = Child(adopting: world.pid, pidfd: pidfd)
            let isOurs = child.isOurs
            #expect(!isOurs)
            #expect(try !child.deliverToGroup(.kill))
            let expected: WardenCore.ExitStatus = action < 0 ? .signal(SIGKILL, coreDumped: false) : .code(3)
            #expect(try child.reap() == expected)
            try world.end()
        }
    }

    @Test("a kernel that keeps no status: unknown, as soon as the process is dead")
    func withoutInformation() throws {
        var world = try World.make(action: 5)
        var child = Child(
            adopting: world.pid, pidfd: Descriptor(owning: world.pidfd), avoidsExitInformation: true)
        let interest = child.readinessInterest
        #expect(interest == .readable)
        #expect(try child.reap() == nil)
        try world.letGo()
        var poller = try Poller()
        try poller.add(child.readinessDescriptor, token: 1, child.readinessInterest)
        #expect(try poller.wait(until: MonotonicClock.now() + Launchpad.patience).count == 1)
        #expect(try child.reap() == .unknown)
        try world.reapThere()
        try world.end()
    }

    @Test("a child of our own is waited for as ever, also when it is met by its pidfd")
    func ours() throws {
        var plan = Launchpad.plan(["sh", "-c", "exit 6"])
        plan.descriptors = [0, 1, 2]
        let spawned = try Spawner().spawn(plan)
        let first = spawned.takeChild()
        var child = Child(adopting: first.pid, pidfd: Descriptor(owning: dup(first.readinessDescriptor)))
        let (isOurs, interest) = (child.isOurs, child.readinessInterest)
        #expect(isOurs && interest == .readable)
        #expect(try Launchpad.end(of: &child) == .code(6))
        let refusal = #expect(throws: KernelFailure.self) { _ = try child.reap() }
        #expect(refusal?.errorNumber == ECHILD)
    }
}

/// Takes a descriptor that comes over a socket.
func receiveDescriptor(_ socket: CInt) -> CInt? {
    var text = [UInt8](repeating: 0, count: 512)
    return receiveMessage(socket, &text)?.descriptor
}

/// Takes a datagram and the descriptor that may come with it, without waiting.
func receiveMessage(_ socket: CInt, _ buffer: inout [UInt8], flags: CInt = 0) -> (size: Int, descriptor: CInt?)? {
    var control = [UInt64](repeating: 0, count: 8)
    return buffer.withUnsafeMutableBytes { bytes in
        control.withUnsafeMutableBytes { control in
            var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return withUnsafeMutablePointer(to: &part) { part in
                var message = msghdr()
                message.msg_iov = part
                message.msg_iovlen = 1
                message.msg_control = control.baseAddress
                message.msg_controllen = control.count
                let size = recvmsg(socket, &message, flags | CInt(MSG_CMSG_CLOEXEC))
                guard size >= 0 else { return nil }
                // A cmsghdr is its length in 8 bytes, level and type in 4 each, then the data.
                guard message.msg_controllen >= 20 else { return (size, nil) }
                return (size, control.loadUnaligned(fromByteOffset: 16, as: CInt.self))
            }
        }
    }
}
