internal import Glibc
package import WardenCore

/// The names of log files that the daemon chooses itself (`AUTO`).
package enum LogFileName {
    /// Makes an empty log file, `PROCESS-stdout---IDENTIFIER-RANDOM.log`, which only the daemon's user may read.
    ///
    /// - Parameters:
    ///   - directory: `childlogdir`.
    ///   - process: the process's name; slashes in it become underscores.
    ///   - stream: which of its streams.
    ///   - identifier: `identifier` of `[supervisord]`.
    ///   - dice: for the eight random characters.
    /// - Returns: its path.
    /// - Throws: whatever open(2) says, but for EEXIST.
    package static func makeAutomatic(
        in directory: String, process: String, stream: OutputStream, identifier: String, dice: inout Dice
    ) throws(KernelFailure) -> String {
        let name = String(process.map { $0 == "/" ? "_" : $0 })
        var failure = KernelFailure("make log file in", directory, EEXIST)
        for _ in 0..<LogFileLimits.nameAttempts {
            let random = String((0..<8).map { _ in letters[Int(dice.next() % UInt64(letters.count))] })
            let path = "\(directory)/\(name)-\(stream.name)---\(identifier)-\(random).log"
            do throws(KernelFailure) {
                _ = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
                return path
            } catch {
                guard error.errorNumber == EEXIST else { throw error }
                failure = error
            }
        }
        throw failure
    }

    /// Whether a file of `childlogdir` is one of ours, from an earlier run: supervisord removes those when it starts.
    ///
    /// - Parameters:
    ///   - name: the file's name.
    ///   - identifier: `identifier` of `[supervisord]`.
    package static func isAutomatic(_ name: String, identifier: String) -> Bool {
        // As supervisord's `.+?---IDENTIFIER-\S+\.log\.{0,1}\d{0,4}`, which is matched from the start alone.
        let mark = Array("---\(identifier)-".utf8)
        let bytes = Array(name.utf8)
        guard let start = bytes.indices.dropFirst().first(where: { bytes[$0...].starts(with: mark) }) else {
            return false
        }
        let rest = bytes[(start + mark.count)...].prefix { $0 != UInt8(ascii: " ") }
        let ending = Array(".log".utf8)
        return rest.indices.dropFirst().contains { rest[$0...].starts(with: ending) }
    }

    /// Whether a log could be opened, without leaving it open. For a failure before the worker is started.
    ///
    /// - Parameter path: the file, fifo or device.
    /// - Throws: whatever open(2) says.
    package static func check(_ path: String) throws(KernelFailure) {
        _ = try LogFile(path: path, maximumBytes: 0, backupCount: 0)
    }

    private static let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789_")
}
