import Glibc
import WardenLinux

/// The libnvidia-ml.so.1 of Tests/Systemd/fake_nvml.c: its answers stand in files of a directory and can change
/// meanwhile.
final class FakeNVML {
    let directory: ScratchDirectory
    /// The library.
    let path: String
    /// The other end of the fifo, held so that a call that is on its way to it does not hang any more.
    private var release: Int32 = -1

    struct Failed: Error {
        var what: String
    }

    /// - Parameter suffix: of nvmlDeviceGetComputeRunningProcesses.
    init(_ suffix: String = "_v3") throws {
        directory = try ScratchDirectory()
        path = directory.file("libnvidia-ml.so.1")
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let status = system(
            "cc -shared -fPIC -o \(path) -DDIRECTORY='\"\(directory.path)\"' -DSUFFIX=\(suffix) "
                + (suffix.isEmpty ? "-DMORE= " : "") + "'/\(tests)/Systemd/fake_nvml.c'")
        if status != 0 { throw Failed(what: "cc: \(status)") }
    }

    deinit {
        if release >= 0 { close(release) }
    }

    func set(_ file: String, _ text: String) throws {
        guard let stream = fopen(directory.file(file), "w") else { throw Failed(what: file) }
        fputs(text, stream)
        fclose(stream)
    }

    /// From here on nvmlInit_v2 does not return.
    func hang() throws {
        guard mkfifo(directory.file("hang"), 0o600) == 0 else { throw Failed(what: "mkfifo") }
    }

    /// Calls that hang return, and others do not hang any more.
    func goOn() throws {
        // For reading, too: then it is there at once, whether somebody waits at the other end or not (fifo(7)).
        release = open(directory.file("hang"), O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard release >= 0, unlink(directory.file("hang")) == 0 else { throw Failed(what: "hang") }
    }
}
