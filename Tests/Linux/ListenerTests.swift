import Glibc
import Testing
import WardenCore
import WardenLinux

@Suite("Listening sockets")
struct ListenerTests {
    @Test("a socket has its mode and answers, and is gone with its lock afterwards", arguments: [0o700, 0o770, 0o666])
    func lifecycle(mode: UInt32) throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/warden.sock"
        do {
            let listener = try UnixListener(.init(path: path, mode: mode, owner: 65534, group: 65533))
            var status = stat()
            try #require(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == mode)
            #expect(status.st_uid == 65534 && status.st_gid == 65533)
            #expect(connects(to: path))
            #expect(listener.descriptor >= 0)
        }
        #expect(access(path, F_OK) != 0)
        #expect(access(path + ".lock", F_OK) != 0)
    }

    @Test("a second daemon is refused, by name, and does no harm to the first")
    func second() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/warden.sock"
        let listener = try UnixListener(.init(path: path))
        let refusal = #expect(throws: ListenFailure.self) { _ = try UnixListener(.init(path: path)) }
        #expect(refusal == .lockedByDaemon(path: path, pid: getpid()))
        let text =
            "cannot listen on \(path): another warden (pid \(getpid())) serves it; "
            + "stop that one, or configure another file"
        #expect(refusal?.description == text)
        #expect(connects(to: path))
        #expect(listener.descriptor >= 0)
    }

    @Test("what a killed daemon left is replaced")
    func stale() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/warden.sock"
        // Bound and closed, but not removed: nobody answers there. The lock's file is left, too, without its lock.
        close(try bound(path))
        _ = try scratch.file("warden.sock.lock", "1\n")
        let listener = try UnixListener(.init(path: path))
        #expect(connects(to: path))
        #expect(listener.descriptor >= 0)
    }

    @Test("a program that has no lock but answers is not pushed aside")
    func answered() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/supervisor.sock"
        let other = Descriptor(owning: try bound(path))
        try #require(listen(other.rawValue, 1) == 0)
        let refusal = #expect(throws: ListenFailure.self) { _ = try UnixListener(.init(path: path)) }
        #expect(refusal == .answered(path: path))
        #expect(access(path, F_OK) == 0)
    }

    @Test("a file that is no socket is left alone")
    func notASocket() throws {
        let scratch = try Scratch()
        let path = try scratch.file("precious", "data")
        let refusal = #expect(throws: ListenFailure.self) { _ = try UnixListener(.init(path: path)) }
        #expect(refusal == .notASocket(path: path))
        #expect(access(path, F_OK) == 0)
    }

    @Test("what cannot be made is said with its path and its cause")
    func impossible() {
        let missing = #expect(throws: ListenFailure.self) { _ = try UnixListener(.init(path: "/nonexistent/w.sock")) }
        #expect(missing?.description == "cannot open /nonexistent/w.sock.lock: No such file or directory")
        let long = "/tmp/" + String(repeating: "x", count: 110)
        let refusal = #expect(throws: ListenFailure.self) { _ = try UnixListener(.init(path: long)) }
        #expect(refusal?.description == "cannot bind \(long): File name too long")
        #expect(access(long + ".lock", F_OK) != 0)
    }

    @Test("a socket that was removed is made anew, one that is there is not")
    func vanished() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/warden.sock"
        var listener = try UnixListener(.init(path: path))
        #expect(try !listener.rebindIfVanished())
        unlink(path)
        #expect(!connects(to: path))
        #expect(try listener.rebindIfVanished())
        #expect(connects(to: path))
        #expect(try !listener.rebindIfVanished())
    }

    @Test("a socket of another program in our place is not removed at the end")
    func notOurs() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/warden.sock"
        var other: CInt = -1
        do {
            let listener = try UnixListener(.init(path: path))
            unlink(path)
            other = try bound(path)
            #expect(listener.descriptor >= 0)
        }
        #expect(access(path, F_OK) == 0)
        close(other)
    }

    @Test("TCP listens on every address of the host's families", arguments: ["127.0.0.1", "", "*", "localhost", "::1"])
    func tcp(host: String) throws {
        let listener = try TCPListener(host: host, port: 0)
        let port = try listener.port()
        #expect(port != 0)
        let refusal = #expect(throws: ListenFailure.self) { _ = try TCPListener(host: host, port: port) }
        #expect(
            refusal?.description == "cannot listen on \(host):\(port): Address already in use; "
                + "another program listens there, stop it or configure another port")
    }

    @Test("the peer of a Unix socket is who the kernel says")
    func peer() throws {
        var ends: [CInt] = [0, 0]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let near = Descriptor(owning: ends[0])
        let far = Descriptor(owning: ends[1])
        let peer = try PeerCredentials.read(near.rawValue)
        #expect(peer.pid == getpid() && peer.userID == geteuid() && peer.groupID == getegid())
        var groups = [gid_t](repeating: 0, count: 1024)
        let count = Int(getgroups(1024, &groups))
        #expect(peer.groupIDs.sorted() == groups.prefix(count).sorted())
        let pipe = try Pipe()
        #expect(throws: KernelFailure.self) { _ = try PeerCredentials.read(pipe.reader.rawValue) }
        #expect(far.rawValue >= 0)
    }

    private func bound(_ path: String) throws -> CInt {
        let number = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        try #require(withAddress(path) { bind(number, $0, $1) } == 0)
        return number
    }

    private func connects(to path: String) -> Bool {
        let socket = Descriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
        return withAddress(path) { connect(socket.rawValue, $0, $1) } == 0
    }
}

/// Calls with `path` as the kernel wants it.
func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
