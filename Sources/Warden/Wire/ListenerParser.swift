package import WardenCore

/// Reads what an event listener writes on its standard output, as it comes: `READY`, `RESULT n` and n bytes, and so on.
///
/// Whether a word is right at its time, its pool knows. What breaks the grammar ends the reading for good: a listener
/// that was misunderstood once would be misunderstood ever after.
package struct ListenerParser: Hashable, Codable, Sendable {
    private enum State: Hashable, Codable, Sendable {
        /// Its next bytes must be `READY` and a line feed. To: expectingResult, broken.
        case expectingReady
        /// Nothing until it has an event; then a line. To: readingResult, expectingReady, broken.
        case expectingResult
        /// So many bytes of the result are due; `matches`: those so far begin `OK`. To: expectingReady.
        case readingResult(total: Int, read: Int, matches: Bool)
        /// Nothing is read any more.
        case broken
    }

    private static let ready = Array("READY\n".utf8)
    private static let okay = Array("OK".utf8)
    /// supervisord cuts `RESULT ` off by its length and does not look at it.
    private static let resultWordBytes = 7

    private var state: State = .expectingReady
    /// The beginning of what is not whole yet.
    private var held: [UInt8] = []

    /// A listener that has said nothing yet.
    package init() {}

    /// Whether it broke the protocol.
    package var isBroken: Bool { state == .broken }

    /// It broke the protocol in a way that only its pool can see.
    package mutating func giveUp() {
        state = .broken
        held = []
    }

    /// The next bytes.
    ///
    /// - Parameter bytes: as they were read; any number.
    /// - Returns: what they say, in order.
    package mutating func read(_ bytes: some Sequence<UInt8>) -> [ListenerWord] {
        var words: [ListenerWord] = []
        for byte in bytes {
            switch state {
            case .broken: return words
            case .expectingReady: readReady(byte, into: &words)
            case .expectingResult: readLine(byte, into: &words)
            case .readingResult(let total, let read, let matches):
                readResult(byte, total, read, matches, into: &words)
            }
        }
        return words
    }

    private mutating func readReady(_ byte: UInt8, into words: inout [ListenerWord]) {
        held.append(byte)
        // supervisord waits for as many bytes as the word has, whatever they are.
        guard held.count == Self.ready.count else { return }
        if held == Self.ready {
            held = []
            state = .expectingResult
            words.append(.ready)
        } else {
            giveUp()
            words.append(.violation(.notReady))
        }
    }

    private mutating func readLine(_ byte: UInt8, into words: inout [ListenerWord]) {
        if held.isEmpty { words.append(.talking) }
        guard byte == UInt8(ascii: "\n") else {
            held.append(byte)
            if held.count > WireLimits.listenerLineBytes {
                giveUp()
                words.append(.violation(.tooLong))
            }
            return
        }
        let line = held
        held = []
        guard let total = Self.number(line.dropFirst(Self.resultWordBytes)) else {
            giveUp()
            let text = String(decoding: line.prefix(Limits.quotedLineBytes), as: UTF8.self)
            words.append(.violation(.badResultLine(text)))
            return
        }
        guard total <= WireLimits.listenerResultBytes else {
            giveUp()
            words.append(.violation(.tooLong))
            return
        }
        if total == 0 {
            state = .expectingReady
            words.append(.result(isOK: false))
        } else {
            state = .readingResult(total: total, read: 0, matches: total == Self.okay.count)
        }
    }

    // The result itself is not kept: only whether it is `OK` counts.
    private mutating func readResult(
        _ byte: UInt8, _ total: Int, _ read: Int, _ matches: Bool, into words: inout [ListenerWord]
    ) {
        let stillMatches = matches && Self.okay[read] == byte
        if read + 1 == total {
            state = .expectingReady
            words.append(.result(isOK: stillMatches))
        } else {
            state = .readingResult(total: total, read: read + 1, matches: stillMatches)
        }
    }

    /// Python's `int` of the bytes after `RESULT `, without its underscores and its negative numbers.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        var digits = bytes.drop(while: isSpace)
        while let last = digits.last, isSpace(last) { digits.removeLast() }
        if digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
