internal import Glibc
internal import WardenCore

/// The limits of readings from /proc.
package enum ProcLimits {
    /// Bytes of one file that are read.
    package static let fileBytes = 64 * 1024
    /// Threads of one process whose children are looked for.
    package static let threads = 4096
    /// Descriptors of one process that are counted one by one, where the kernel does not say how many there are.
    package static let countedDescriptors = 2_000_000
    /// Descriptors of one process whose kinds are read.
    package static let sampledDescriptors = 2000
    /// Kinds of descriptors that are told apart in a census.
    package static let descriptorKinds = 64
    /// Processes in a process table for people.
    package static let tableProcesses = 64
    /// Threads in a table for people.
    package static let tableThreads = 256
}

/// /proc/PID of one process, held open: should the process end and its number be given away, readings fail with ESRCH
/// instead of being another's.
internal struct ProcDirectory: ~Copyable {
    internal let pid: Int32
    private let directory: Descriptor

    /// - Throws: ESRCH when there is no such process.
    internal init(pid: Int32, root: borrowing Descriptor) throws(KernelFailure) {
        self.pid = pid
        let base = root.rawValue
        do throws(KernelFailure) {
            directory = Descriptor(
                owning: try Self.withName(pid) { name throws(KernelFailure) in
                    try Kernel.retry("open", "/proc/\(pid)") {
                        openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                    }
                })
        } catch {
            throw error.errorNumber == ENOENT ? KernelFailure("open", "/proc/\(pid)", ESRCH) : error
        }
    }

    internal var number: CInt { directory.rawValue }

    /// Reads a file of the process, whole, into a buffer that is used again and again.
    ///
    /// - Parameters:
    ///   - name: relative to /proc/PID.
    ///   - buffer: where to.
    /// - Returns: how many bytes.
    /// - Throws: ESRCH when the process has ended; EACCES.
    internal borrowing func read(
        _ name: UnsafePointer<CChar>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(KernelFailure) -> Int {
        let base = directory.rawValue
        let file = Descriptor(
            owning: try Kernel.retry("open file of process", "\(pid)") { openat(base, name, O_RDONLY | O_CLOEXEC) })
        var count = 0
        while count < buffer.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            guard let size = try file.read(into: room), size > 0 else { break }
            count += size
        }
        return count
    }

    /// Calls for each numbered entry of a directory (`fd`, `task`), until it answers false.
    ///
    /// - Throws: ESRCH when the process has ended; EACCES.
    internal borrowing func forEachNumber(
        in name: StaticString, _ body: (Int32) -> Bool
    ) throws(KernelFailure) {
        let base = directory.rawValue
        let number = try Kernel.retry("list directory of process", "\(pid)") {
            openat(base, Self.pointer(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(number) else {
            let cause = errno
            _ = Descriptor(owning: number)
            throw KernelFailure("list directory of process", "\(pid)", cause)
        }
        defer { _ = closedir(stream) }
        while let entry = readdir(stream) {
            let value = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let length = bytes.firstIndex(of: 0) ?? bytes.count
                return ProcWords.count(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            }
            guard let value = value.flatMap(Int32.init(exactly:)) else { continue }
            if !body(value) { return }
        }
    }

    internal static func pointer(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    /// The decimal digits of a number after a prefix, as a C string on the stack.
    internal static func withName<Answer>(
        _ number: Int32, prefix: StaticString = "", suffix: StaticString = "",
        _ body: (UnsafePointer<CChar>) throws(KernelFailure) -> Answer
    ) throws(KernelFailure) -> Answer {
        // Longest: "task/2147483647/children".
        var name: InlineArray<64, CChar> = InlineArray(repeating: 0)
        var count = 0
        func append(_ byte: UInt8) {
            if count < 63 { name[count] = CChar(bitPattern: byte) }
            count += 1
        }
        for index in 0..<prefix.utf8CodeUnitCount { append(prefix.utf8Start[index]) }
        var divisor: Int32 = 1_000_000_000
        while divisor > 1, number / divisor == 0 { divisor /= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
        for index in 0..<suffix.utf8CodeUnitCount { append(suffix.utf8Start[index]) }
        let bytes = name.span
        return try bytes.withUnsafeBufferPointer { buffer throws(KernelFailure) -> Answer in
            guard let start = buffer.baseAddress else { throw KernelFailure("name", "/proc", EINVAL) }
            return try body(start)
        }
    }
}
