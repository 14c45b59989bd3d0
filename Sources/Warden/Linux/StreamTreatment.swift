package import WardenCore

/// What is made of a stream's bytes beside their way into the log.
package struct StreamTreatment: Hashable, Codable, Sendable {
    /// The process that the pipe was given to, for the events' headers.
    package var pid: Int32 = 0
    /// Everything that is written makes PROCESS_LOG events.
    package var emitsEvents = false
    /// The last so many bytes between the tokens of capture mode make an event, and stay out of the log; 0 is off. At
    /// most `PumpLimits.captureBytes`.
    package var captureBytes = 0
    /// It is the protocol of event listeners.
    package var isListener = false

    /// Whose output it is, as texts name it.
    package var origin = StreamOrigin()
    /// Colours and other codes of terminals are taken out (`strip_ansi`).
    package var stripsANSI = false
    /// What stands before each line of the log; `nil` is nothing.
    package var prefix: LinePrefix?
    /// Each line goes to the system log, too.
    package var writesSyslog = false
    /// Everything is copied into the daemon's own log, as supervisord does at `loglevel = debug`.
    package var isCopied = false

    /// Nothing: the bytes go into the log as they are, and never through the daemon.
    package init() {}

    /// Whether there is nothing to do.
    internal var isPlain: Bool {
        !emitsEvents && captureBytes == 0 && !isListener && !stripsANSI && prefix == nil && !writesSyslog && !isCopied
    }
}

/// Whose output a stream is, as texts name it.
package struct StreamOrigin: Hashable, Codable, Sendable {
    /// The process's name.
    package var name = ""
    /// Its group's.
    package var group = ""
    /// Its program's.
    package var program = ""

    /// Nobody's.
    package init() {}

    /// - Parameters:
    ///   - name: the process and its group.
    ///   - program: the name of its section.
    package init(_ name: SlotName, program: String) {
        self.name = name.process
        group = name.group
        self.program = program
    }
}

extension OutputStream {
    /// As events name it.
    internal var channel: OutputChannel {
        switch self {
        case .standardOutput: .stdout
        case .standardError: .stderr
        }
    }
}

/// Bytes to text, whatever they are: what is no UTF-8 is replaced, and a character that is split between two reads is
/// whole in the second.
package struct TextDecoder: Hashable, Codable, Sendable {
    /// The beginning of a character, at most three bytes.
    private var held: [UInt8] = []

    /// Nothing read yet.
    package init() {}

    /// The text of the next bytes.
    package mutating func decode(_ bytes: some Collection<UInt8>) -> String {
        let whole = held + bytes
        let count = whole.count - Self.openTail(of: whole)
        held = Array(whole[count...])
        return String(decoding: whole[..<count], as: UTF8.self)
    }

    /// What is left at the end.
    package mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// How many bytes at the end are the beginning of a character whose rest may follow.
    private static func openTail(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte & 0xC0 == 0x80 { continue }
            let needed = byte >= 0xF0 && byte <= 0xF4 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1
            return byte < 0xF5 && needed > length ? length : 0
        }
        return 0
    }
}
