import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: the sockets of fcgi-programs are what their section says.
@Suite struct SharedSocketTests {
    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    @Test func fileHasItsModeAndStays() throws {
        let directory = try ScratchDirectory()
        let path = directory.file("s")
        let spec = SharedSocketSpec(address: .unix(path: path), mode: 0o640)
        do {
            let socket = try SharedSocket(spec)
            #expect(mode(path) == 0o640)
            // Blocking: the processes accept on it as they are used to.
            #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK == 0)
            #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        }
        #expect(mode(path) == 0o640)
        // The file that was left is replaced.
        _ = try SharedSocket(spec)
    }

    @Test func anotherFileIsNotRemoved() throws {
        let directory = try ScratchDirectory()
        let path = directory.file("precious")
        _ = try Descriptor.open(path, O_CREAT | O_WRONLY)
        #expect(throws: ListenFailure.notASocket(path: path)) {
            _ = try SharedSocket(SharedSocketSpec(address: .unix(path: path)))
        }
        #expect(directory.names == ["precious"])
    }

    @Test func tcp() throws {
        // A port that is free a moment ago is taken from the kernel.
        let free = try TCPListener(host: "127.0.0.1", port: 0)
        let port = try free.port()
        let spec = SharedSocketSpec(address: .tcp(host: "127.0.0.1", port: port), backlog: 5)
        let failure = KernelFailure("bind", "127.0.0.1:\(port)", EADDRINUSE)
        #expect(throws: ListenFailure.kernel(failure)) { _ = try SharedSocket(spec) }
        #expect(spec.address.url == "tcp://127.0.0.1:\(port)")
        let any = SharedSocketSpec(address: .tcp(host: "localhost", port: 0))
        let socket = try SharedSocket(any)
        #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK == 0)
    }
}
