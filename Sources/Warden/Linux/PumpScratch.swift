internal import CWardenLinux
internal import Glibc

/// A pipe of the pump's own, into which it copies what stands in a worker's pipe, so that it can read it and still
/// leave the original for splice(2). Should the daemon die between the two, the worker's pipe still has everything.
package final class ScratchPipe {
    /// A worker's pipe, borrowed.
    package struct Source: ~Copyable {
        private let pipe: CInt
        private let sewer: CInt

        fileprivate init(pipe: CInt, sewer: CInt) {
            self.pipe = pipe
            self.sewer = sewer
        }

        /// No pipe: the bytes were taken out of it before, and only memory has them.
        internal static var memory: Source { Source(pipe: -1, sewer: -1) }

        /// Whether there is a pipe to splice from.
        internal var isPipe: Bool { pipe >= 0 }

        /// Moves bytes into a file.
        ///
        /// - Returns: the bytes moved, or a negative errno.
        internal borrowing func splice(to file: CInt, at offset: inout Int64, _ count: Int) -> Int {
            while true {
                let flags = UInt32(WARDEN_SPLICE_MOVE | WARDEN_SPLICE_NONBLOCK)
                let answer = Int(warden_splice(pipe, file, &offset, count, flags))
                if answer != -Int(EINTR) { return answer }
            }
        }

        /// Moves bytes into a fifo, socket or device.
        ///
        /// - Returns: the bytes moved, or a negative errno.
        internal borrowing func splice(to flow: CInt, _ count: Int) -> Int {
            while true {
                let flags = UInt32(WARDEN_SPLICE_MOVE | WARDEN_SPLICE_NONBLOCK)
                let answer = Int(warden_splice(pipe, flow, nil, count, flags))
                if answer != -Int(EINTR) { return answer }
            }
        }

        /// Takes bytes out and throws them away.
        ///
        /// - Returns: `count`, or less when the pipe held less.
        @discardableResult
        internal borrowing func discard(_ count: Int) -> Int {
            if !isPipe { return count }
            var rest = count
            while rest > 0 {
                let gone = splice(to: sewer, rest)
                if gone <= 0 { break }
                rest -= gone
            }
            return count - rest
        }
    }

    /// What stands in a worker's pipe.
    package enum Content {
        /// So many bytes, now in `bytes`.
        case bytes(Int)
        /// Nothing at present.
        case nothing
        /// Nothing, and nobody is left who could write.
        case end
    }

    private var pipe: Pipe
    private let sewer: Descriptor
    private let buffer: UnsafeMutableRawBufferPointer

    /// - Throws: EMFILE and ENFILE.
    package init() throws(KernelFailure) {
        pipe = try Pipe()
        try pipe.reader.setNonblocking()
        try pipe.writer.setNonblocking()
        sewer = try Descriptor.open("/dev/null", O_WRONLY)
        buffer = .allocate(byteCount: PumpLimits.turnBytes, alignment: 4096)
        Self.enlarge(pipe.writer.rawValue)
    }

    deinit { buffer.deallocate() }

    /// On its way to another thread: a number, which `owned` makes a pipe again, once.
    internal func released() -> UInt { UInt(bitPattern: Unmanaged.passRetained(self).toOpaque()) }

    /// What was released.
    internal static func owned(_ address: UInt) -> ScratchPipe? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<ScratchPipe>.fromOpaque($0).takeRetainedValue() }
    }

    /// The bytes that the last look found.
    ///
    /// - Parameter count: as `look` answered.
    package func bytes(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    /// A worker's pipe, to move or discard what `look` has shown.
    package func source(_ worker: CInt) -> Source {
        Source(pipe: worker, sewer: sewer.rawValue)
    }

    /// Copies what stands in a worker's pipe, leaving it there.
    ///
    /// - Parameter worker: the reading end of its pipe.
    /// - Throws: what tee(2) says, except EAGAIN and EINTR.
    package func look(into worker: CInt) throws(KernelFailure) -> Content {
        let flags = UInt32(WARDEN_SPLICE_NONBLOCK)
        var answer: Int64
        repeat {
            answer = warden_tee(worker, pipe.writer.rawValue, buffer.count, flags)
        } while answer == -Int64(EINTR)
        if answer == -Int64(EAGAIN) { return .nothing }
        if answer == 0 { return .end }
        let count = try Kernel.check("tee", "", Int(answer))
        var filled = 0
        while filled < count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<count])
            guard let size = try pipe.reader.read(into: room), size > 0 else { break }
            filled += size
        }
        return .bytes(filled)
    }

    /// Takes out what stands in a worker's pipe.
    ///
    /// - Parameter worker: the reading end of its pipe, non-blocking.
    /// - Throws: what read(2) says, except EAGAIN and EINTR.
    package func take(from worker: CInt) throws(KernelFailure) -> Content {
        let (start, count) = (buffer.baseAddress, buffer.count)
        guard let size = try Kernel.retryUnlessEmpty("read", "", { Glibc.read(worker, start, count) }) else {
            return .nothing
        }
        return size == 0 ? .end : .bytes(size)
    }

    /// Enlarges a pipe that is often full: fewer turns for the same bytes.
    ///
    /// Best effort: past /proc/sys/fs/pipe-user-pages-soft (64 MiB in all) it is refused to users other than root.
    internal static func enlarge(_ pipe: CInt) {
        if warden_set_pipe_capacity(pipe, CInt(PumpLimits.turnBytes)) >= 0 { return }
        _ = warden_set_pipe_capacity(pipe, CInt(PumpLimits.turnBytes / 4))
    }
}
