package import WardenCore

/// Which signals a process has a handler for.
package enum SignalsCaught {
    /// Whether a process catches a signal, by the SigCgt line of its status. A signal that is not caught ends it.
    ///
    /// - Parameters:
    ///   - signal: which signal, 1 to 64.
    ///   - pid: which process.
    /// - Returns: false too when that cannot be read.
    package static func contains(_ signal: Signal, by pid: Int32) -> Bool {
        guard (1...64).contains(signal.number),
            let status = ProcessTree.contents(of: "/proc/\(pid)/status", atMost: .max)
        else { return false }
        let name = Array("SigCgt:".utf8)
        for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: name) {
            let digits = String(decoding: line.dropFirst(name.count), as: UTF8.self).filter { !$0.isWhitespace }
            guard let mask = UInt64(digits, radix: 16) else { return false }
            return mask & (1 << UInt64(signal.number - 1)) != 0
        }
        return false
    }
}
