internal import CWardenLinux
internal import Glibc

/// A file descriptor that closes itself: it is owned in exactly one place.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for calls that borrow it. Valid as long as the descriptor lives.
    package let rawValue: CInt

    /// - Parameter owned: an open descriptor that nobody else closes.
    package init(owning owned: CInt) {
        rawValue = owned
    }

    /// Gives the number away, unclosed.
    package consuming func take() -> CInt {
        let number = rawValue
        discard self
        return number
    }

    deinit {
        // Never retried: Linux has freed the number even when close(2) says EINTR, and it may be another's by now.
        _ = close(rawValue)
    }
}

extension Descriptor {
    /// Opens a file, always with O_CLOEXEC.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - flags: O_RDONLY and its kin.
    ///   - mode: permissions of a file that is made, before the umask.
    /// - Returns: the file, which closes itself.
    /// - Throws: whatever open(2) says.
    package static func open(
        _ path: String, _ flags: CInt, mode: UInt32 = 0o600
    ) throws(KernelFailure) -> Descriptor {
        let number = try Kernel.retry("open", path) { Glibc.open(path, flags | O_CLOEXEC, mode) }
        return Descriptor(owning: number)
    }

    /// Another descriptor of the same open file, with FD_CLOEXEC.
    ///
    /// - Returns: the new descriptor.
    /// - Throws: EMFILE when the table is full.
    package borrowing func duplicate() throws(KernelFailure) -> Descriptor {
        let number = rawValue
        return Descriptor(owning: try Kernel.retry("duplicate", "") { fcntl(number, F_DUPFD_CLOEXEC, 0) })
    }

    /// Makes reads and writes answer EAGAIN instead of waiting.
    ///
    /// The flag belongs to the open file: whoever shares it is affected too.
    ///
    /// - Throws: nothing that can happen to an open descriptor.
    package borrowing func setNonblocking() throws(KernelFailure) {
        let number = rawValue
        let flags = try Kernel.retry("read flags of", "") { fcntl(number, F_GETFL) }
        _ = try Kernel.retry("set flags of", "") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
    }

    /// Says whether execve(2) closes it.
    ///
    /// - Parameter isClosed: false only for what is handed to a new binary.
    /// - Throws: nothing that can happen to an open descriptor.
    package borrowing func setClosedOnExec(_ isClosed: Bool) throws(KernelFailure) {
        let number = rawValue
        _ = try Kernel.retry("set flags of", "") { fcntl(number, F_SETFD, isClosed ? FD_CLOEXEC : 0) }
    }

    /// Reads what is there, once.
    ///
    /// - Parameter buffer: where to put it.
    /// - Returns: the bytes read, 0 at the end; `nil` when it would have to wait.
    /// - Throws: every errno but EINTR and EAGAIN.
    package borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelFailure) -> Int? {
        let number = rawValue
        return try Kernel.retryUnlessEmpty("read", "") { Glibc.read(number, buffer.baseAddress, buffer.count) }
    }

    /// Writes what can be written, once.
    ///
    /// - Parameter bytes: what to write.
    /// - Returns: the bytes written; `nil` when it would have to wait.
    /// - Throws: every errno but EINTR and EAGAIN.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(KernelFailure) -> Int? {
        let number = rawValue
        return try Kernel.retryUnlessEmpty("write", "") { Glibc.write(number, bytes.baseAddress, bytes.count) }
    }
}

/// The two ends of a pipe.
package struct Pipe: ~Copyable, Sendable {
    /// Where bytes come out.
    package var reader: Descriptor
    /// Where bytes go in.
    package var writer: Descriptor

    /// A new pipe with FD_CLOEXEC on both ends, both blocking.
    ///
    /// - Throws: EMFILE and ENFILE.
    package init() throws(KernelFailure) {
        var ends: (CInt, CInt) = (-1, -1)
        let status = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: CInt.self, capacity: 2) { warden_pipe2($0, O_CLOEXEC) }
        }
        try Kernel.check("make pipe", "", Int(status))
        reader = Descriptor(owning: ends.0)
        writer = Descriptor(owning: ends.1)
    }
}
