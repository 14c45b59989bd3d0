import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: missing directories of logs are made by whom they may be made by, and nothing is made by way of links that the
/// program's user could not follow itself.
@Suite struct LogDirectoryTests {
    private static let nobody = LaunchSpec.Identity(name: "nobody", userID: 65534, groupID: 65534, groupIDs: [65534])

    /// A directory of its own, removed by the kernel's cleaner of /tmp at the latest.
    private static func place(_ mode: UInt32) throws -> String {
        var name = Array("/tmp/warden-directory-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&name).map { String(cString: $0) })
        _ = chmod(path, mode)
        return path
    }

    private static func owner(_ path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    @Test func madeAsTheUser() throws {
        let place = try Self.place(0o777)
        defer { for path in ["/a/b", "/a", ""] { _ = rmdir(place + path) } }
        let user = geteuid() == 0 ? Self.nobody : nil
        #expect(try LogDirectory.make(place + "/a/b", as: user) == [place + "/a", place + "/a/b"])
        #expect(Self.owner(place + "/a/b") == user?.userID ?? geteuid())
        #expect(try LogDirectory.make(place + "/a/b", as: user) == [])
    }

    @Test func madeAsTheDaemonWhereTheUserMayNot() throws {
        let place = try Self.place(0o755)
        defer { for path in ["/a", ""] { _ = rmdir(place + path) } }
        #expect(try LogDirectory.make(place + "/a", as: Self.nobody) == [place + "/a"])
        #expect(Self.owner(place + "/a") == geteuid())
    }

    @Test func whatIsInTheWay() {
        #expect(throws: KernelFailure.self) { try LogDirectory.make("/proc/there/is", as: nil) }
        #expect(throws: KernelFailure.self) { try LogDirectory.make("/etc/passwd/x", as: nil) }
    }
}
