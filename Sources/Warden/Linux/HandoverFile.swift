internal import CWardenLinux
internal import Glibc

/// A file without a name, in memory, by which one binary tells the next what it has to know.
package enum HandoverFile {
    /// Makes one.
    ///
    /// - Parameter bytes: its contents.
    /// - Returns: the file, with FD_CLOEXEC, at its beginning.
    /// - Throws: EMFILE and ENOMEM.
    package static func make(_ bytes: [UInt8]) throws(KernelFailure) -> Descriptor {
        let made = warden_memory_create("warden-handover", Int64(bytes.count))
        let file = Descriptor(owning: CInt(try Kernel.check("make", "memory file", Int(made))))
        let number = file.rawValue
        var done = 0
        while done < bytes.count {
            done += try Kernel.retry("write", "memory file") {
                bytes[done...].withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, off_t(done)) }
            }
        }
        return file
    }

    /// Reads one from its beginning, wherever it stands.
    ///
    /// - Parameters:
    ///   - number: the open file; stays the caller's.
    ///   - limit: bytes that are read at most.
    /// - Throws: whatever pread(2) says; EFBIG beyond the limit.
    package static func contents(of number: CInt, atMost limit: Int) throws(KernelFailure) -> [UInt8] {
        var status = stat()
        try Kernel.retry("look at", "memory file") { fstat(number, &status) }
        guard status.st_size <= limit else { throw KernelFailure("read", "memory file", EFBIG) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = try Kernel.retry("read", "memory file") {
                bytes[done...].withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, off_t(done)) }
            }
            if count == 0 { throw KernelFailure("read", "memory file", EIO) }
            done += count
        }
        return bytes
    }
}

extension DaemonProcess {
    /// The variable in which a binary finds the number of its predecessor's file.
    private static let stateVariable = "WARDEN_STATE"
    /// Set when it is only to be read, to find out whether it can be.
    private static let trialVariable = "WARDEN_STATE_TRIAL"

    /// What this process was executed with by its predecessor.
    package enum Legacy: Sendable {
        /// Nothing: it is the first of its kind.
        case none
        /// The number of a file: read it, say whether that went well, and end.
        case trial(CInt)
        /// The number of a file: take over.
        case takeover(CInt)
    }

    /// Looks for a predecessor, and removes its traces from the environment. Once, before there are threads.
    package static func takeLegacy() -> Legacy {
        defer {
            unsetenv(stateVariable)
            unsetenv(trialVariable)
        }
        guard let text = getenv(stateVariable), let number = CInt(String(cString: text)), number >= 0,
            fcntl(number, F_GETFD) >= 0
        else { return .none }
        if getenv(trialVariable) != nil { return .trial(number) }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        return .takeover(number)
    }

    /// The environment of a trial whose file is its standard input.
    package static let trialEnvironment = [stateVariable: "0", trialVariable: "1"]

    /// Executes another binary in the place of this one, with the descriptors that it is to own.
    ///
    /// - Parameters:
    ///   - path: the binary.
    ///   - state: the file with what it has to know; handed over as the others are.
    ///   - descriptors: everything else that stays open.
    /// - Returns: only when that failed: why. Everything is as it was then.
    package static func hand(over state: CInt, keeping descriptors: [CInt], to path: String) -> KernelFailure {
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        setenv(stateVariable, String(state), 1)
        warden_keep_standard_streams_alone()
        for number in descriptors + [state] { _ = fcntl(number, F_SETFD, 0) }
        _ = execv(path, arguments)
        let cause = errno
        for number in descriptors + [state] { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        unsetenv(stateVariable)
        for argument in arguments { free(argument) }
        return KernelFailure("execute", path, cause)
    }

    /// The binary that this process executes, as it was called when it began: a newer one has the same name later.
    ///
    /// - Returns: `nil` when it cannot be told, or when others than root and this user could put another in its place.
    package static func trustedExecutable() -> String? {
        guard let found = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(found) }
        let path = String(cString: found)
        return TrustedTool.isOutOfReach(path) ? path : nil
    }

    /// Whether that is still so, and the file can be executed.
    ///
    /// - Parameter path: as `trustedExecutable` said.
    package static func mayExecute(_ path: String) -> Bool {
        TrustedTool.isOutOfReach(path) && access(path, X_OK) == 0
    }
}
