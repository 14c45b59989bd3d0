package import WardenCore

/// What /proc/PID/task/TID/status says, as far as it is used.
package struct ThreadStatus: Hashable, Sendable {
    /// The thread's name; at most 15 bytes, and any bytes at all.
    package var name: [UInt8]
    /// The state letter; `nil` for one that is not known.
    package var state: KernelState?
    /// Context switches, voluntary and not.
    package var switches: UInt64
    /// SigCgt: bit N-1 is signal N.
    package var caughtSignals: UInt64

    /// Parses the file.
    ///
    /// - Parameter text: the file, whole.
    /// - Returns: `nil` when a line is missing or cut short.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard let name = ProcText.line("Name:\t", in: text),
            let letter = ProcText.line("State:\t", in: text)?.first,
            let caught = ProcText.line("SigCgt:\t", in: text),
            let mask = UInt64(String(decoding: caught, as: UTF8.self), radix: 16),
            let voluntary = ProcText.count(of: "voluntary_ctxt_switches:", in: text),
            let involuntary = ProcText.count(of: "nonvoluntary_ctxt_switches:", in: text)
        else { return nil }
        self.name = [UInt8](name)
        state = KernelState(rawValue: letter)
        caughtSignals = mask
        switches = voluntary &+ involuntary
    }

    /// Signals of a mask that are sent to make a worker do something: SIGALRM, SIGUSR1, SIGUSR2, SIGIO and the
    /// real-time signals. What stops a worker, or tells it of a child or a broken pipe, does not give it work.
    ///
    /// - Parameter mask: SigCgt.
    package static func wakingSignals(in mask: UInt64) -> [String] {
        func has(_ number: UInt64) -> Bool { mask & (1 << (number - 1)) != 0 }
        var names = [(10, "SIGUSR1"), (12, "SIGUSR2"), (14, "SIGALRM"), (29, "SIGIO")]
            .filter { has(UInt64($0.0)) }.map(\.1)
        // 32 and 33 are the C library's own, for threads among themselves.
        if mask >> 33 != 0 { names.append("SIGRTMIN+") }
        return names
    }
}
