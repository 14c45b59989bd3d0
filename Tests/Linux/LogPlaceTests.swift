import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: where somebody else may plant links, no log is written or read through one; elsewhere links are followed.
@Suite struct LogPlaceTests {
    /// A directory that everybody may write to, beside a file that nobody may reach from there.
    private final class Ground {
        let root: ScratchDirectory
        let shared: String
        let victim: String

        init() throws {
            root = try ScratchDirectory()
            shared = root.file("shared")
            victim = root.file("victim")
            #expect(mkdir(shared, 0o777) == 0 && chmod(shared, 0o777) == 0)
            let file = try Descriptor.open(victim, O_WRONLY | O_CREAT)
            #expect(write(file.rawValue, "secret", 6) == 6)
        }

        deinit {
            for folder in [shared, root.file("own")] {
                for name in ["log", "new", "up"] { _ = unlink("\(folder)/\(name)") }
                _ = rmdir(folder)
            }
        }
    }

    private func open(_ path: String) throws -> LogFile { try LogFile(path: path, maximumBytes: 0, backupCount: 0) }

    @Test func linksOfOthersAreNotFollowed() throws {
        let ground = try Ground()
        #expect(symlink(ground.victim, ground.shared + "/log") == 0)
        #expect(throws: KernelFailure.self) { try open(ground.shared + "/log") }
        #expect(ReadableLog.open(ground.shared + "/log") == nil)
        #expect(symlink("/nowhere/made", ground.shared + "/new") == 0)
        #expect(throws: KernelFailure.self) { try open(ground.shared + "/new") }
        #expect(try ground.root.text("victim") == "secret")
    }

    @Test func secondNamesOfFilesAreRefused() throws {
        let ground = try Ground()
        #expect(link(ground.victim, ground.shared + "/log") == 0)
        #expect(throws: KernelFailure.self) { try open(ground.shared + "/log") }
        #expect(ReadableLog.open(ground.shared + "/log") == nil)
    }

    @Test func linksToDirectoriesAreNotFollowedBelow() throws {
        let ground = try Ground()
        #expect(symlink(ground.root.file(""), ground.shared + "/up") == 0)
        #expect(throws: KernelFailure.self) { try open(ground.shared + "/up/victim") }
    }

    @Test func ownLinksAreFollowed() throws {
        let ground = try Ground()
        let own = ground.root.file("own")
        #expect(mkdir(own, 0o755) == 0 && symlink(ground.victim, own + "/log") == 0)
        _ = try open(own + "/log")
        let log = try #require(ReadableLog.open(own + "/log"))
        close(log.descriptor)
        #expect(log.isRegular && log.sizeBytes == 6)
    }

    @Test func plainFilesAreWrittenAndRead() throws {
        let ground = try Ground()
        let file = try open(ground.shared + "/log")
        file.append(Array("one\n".utf8), at: Instant(nanoseconds: 0))
        let log = try #require(ReadableLog.open(ground.shared + "/log"))
        close(log.descriptor)
        #expect(log.sizeBytes == 4)
    }
}
