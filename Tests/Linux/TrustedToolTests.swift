import Glibc
import Testing
import WardenLinux

/// Goal: nothing that somebody else could have put there is run.
@Suite struct TrustedToolTests {
    @Test func whatOnlyRootCanWriteToIsFoundWithItsLinksResolved() throws {
        let found = try #require(TrustedTool.find("env", path: "relative:/nowhere:/usr/bin:/bin"))
        #expect(found.hasPrefix("/"))
        #expect(access(found, X_OK) == 0)
        #expect(TrustedTool.find("no-such-tool-here", path: "/usr/bin:/bin") == nil)
        #expect(TrustedTool.find("env", path: "") == nil)
    }

    @Test(arguments: [0o777, 0o775]) func whereOthersCanWriteNothingIsFound(_ mode: mode_t) throws {
        let directory = "/tmp/warden-trusted-\(getpid())-\(mode)"
        try #require(mkdir(directory, 0o755) == 0)
        defer {
            _ = unlink("\(directory)/tool")
            _ = unlink("\(directory)/link")
            _ = rmdir(directory)
        }
        let tool = try Descriptor.open("\(directory)/tool", O_WRONLY | O_CREAT, mode: 0o755)
        _ = tool
        try #require(chmod(directory, mode) == 0)
        try #require(symlink("/usr/bin/env", "\(directory)/link") == 0)
        #expect(TrustedTool.find("tool", path: directory) == nil)
        // The link could be turned elsewhere, but what is executed is what it was resolved to.
        #expect(TrustedTool.find("link", path: directory) != nil)
    }

    @Test func aPythonIsKnownByItsProgram() throws {
        let child = try ProcTestChild.withPipes(1)
        #expect(TrustedTool.isPython(child.pid))
        #expect(!TrustedTool.isPython(getpid()))
        #expect(!TrustedTool.isPython(0x3FFF_FFFE))
    }
}
