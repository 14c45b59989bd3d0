internal import CSystemd
internal import Glibc
package import WardenCore

/// systemd's journal, with fields.
package enum Journal {
    /// Sends one entry. May wait for journald, so it belongs to a thread that may.
    ///
    /// - Parameters:
    ///   - record: the message, its level and its fields; fields with a name that the journal does not take are left
    ///     out, and so are those past `EdgeLimits.journalFields`.
    ///   - identifier: SYSLOG_IDENTIFIER, by which `journalctl -t` finds it.
    /// - Throws: the errno of its socket. A host without journald is not an error: nothing is sent then.
    package static func send(_ record: LogRecord, identifier: String) throws(KernelFailure) {
        var fields = [
            "MESSAGE=\(record.message)", "PRIORITY=\(record.level.syslogPriority)", "SYSLOG_IDENTIFIER=\(identifier)",
        ]
        for (name, value) in record.fields.sorted(by: { $0.key < $1.key }) where isFieldName(name) {
            if fields.count >= EdgeLimits.journalFields { break }
            fields.append("\(name)=\(value)")
        }
        var bytes = fields.flatMap { Array($0.utf8) }
        var lengths = fields.map(\.utf8.count)
        let answer = bytes.withUnsafeMutableBytes { bytes in
            lengths.withUnsafeMutableBufferPointer { lengths in
                var offset = 0
                let parts = lengths.map { length in
                    defer { offset += length }
                    return iovec(iov_base: bytes.baseAddress?.advanced(by: offset), iov_len: length)
                }
                return sd_journal_sendv(parts, CInt(parts.count))
            }
        }
        try Kernel.check("write to the journal", "", Int(answer))
    }

    /// Whether standard error leads into the journal: then what is written there is in it already, and sending it too
    /// would show every line twice.
    package static func isStandardErrorConnected() -> Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        let parts = String(cString: stream).split(separator: ":").compactMap { UInt64($0) }
        var status = stat()
        guard parts.count == 2, fstat(STDERR_FILENO, &status) == 0 else { return false }
        return UInt64(status.st_dev) == parts[0] && UInt64(status.st_ino) == parts[1]
    }

    // Upper-case letters, digits and underscores, the first a letter, at most 64: systemd.journal-fields(7).
    private static func isFieldName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
            return false
        }
        return name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            }
    }
}

extension LogRecord.Level {
    /// The level in syslog(3)'s numbers.
    package var syslogPriority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warn: 4
        case .info: 6
        case .blather, .trace, .debug: 7
        }
    }
}
