import WardenWire

/// A line while it is typed: keys in, text and cursor out.
///
/// Small, and our own: readline's licence is not ours, and libedit would be one more library to install for the few
/// keys that this shell needs. The value knows nothing of a terminal, so that tables can test it.
package struct LineEditor: Hashable, Sendable {
    /// What a byte led to.
    package enum Outcome: Hashable, Sendable {
        /// The line may look different now.
        case edited
        /// Return was pressed.
        case accepted(String)
        /// Tab was pressed.
        case completionWanted
        /// Ctrl-L was pressed.
        case redrawWanted
        /// Ctrl-C was pressed.
        case interrupted
        /// Ctrl-D was pressed on an empty line.
        case ended
    }

    /// The text.
    package private(set) var text: [Character] = []
    /// How many characters stand before the cursor.
    package private(set) var cursor = 0
    private let history: [String]
    /// Which line of the history is shown; its count is the line that is being typed.
    private var shown: Int
    /// What was typed before the history was shown.
    private var typed: [Character] = []
    private var cut: [Character] = []
    private var pending: [UInt8] = []

    /// - Parameter history: earlier lines, the oldest first.
    package init(history: [String] = []) {
        self.history = history
        shown = history.count
    }

    /// The line as it is.
    package var line: String { String(text) }

    /// What stands before the cursor.
    package var beforeCursor: String { String(text[..<cursor]) }

    /// A byte came from the terminal in raw mode.
    package mutating func take(_ byte: UInt8) -> Outcome {
        if !pending.isEmpty { return takeFurther(byte) }
        switch byte {
        case 0x0A, 0x0D: return .accepted(line)
        case 0x09: return .completionWanted
        case 0x03: return .interrupted
        case 0x04 where text.isEmpty: return .ended
        case 0x0C: return .redrawWanted
        case 0x1B, 0xC2...0xF4: pending = [byte]
        case 0x20...0x7E: insert(Character(UnicodeScalar(byte)))
        default: control(byte)
        }
        return .edited
    }

    /// Puts text before the cursor.
    package mutating func insert(_ more: String) {
        for character in more { insert(character) }
    }

    private mutating func insert(_ character: Character) {
        guard text.count < CtlLimits.typedBytes / 4 else { return }
        text.insert(character, at: cursor)
        cursor += 1
    }

    // MARK: Keys of one byte

    private mutating func control(_ byte: UInt8) {
        switch byte {
        case 0x01: cursor = 0
        case 0x02: cursor = max(0, cursor - 1)
        case 0x04: deleteForward()
        case 0x05: cursor = text.count
        case 0x06: cursor = min(text.count, cursor + 1)
        case 0x08, 0x7F: deleteBackward()
        case 0x0B: cutAway(cursor..<text.count)
        case 0x0E: show(shown + 1)
        case 0x10: show(shown - 1)
        case 0x15: cutAway(0..<cursor)
        case 0x17: cutAway(startOfWord..<cursor)
        case 0x19: insert(String(cut))
        default: break
        }
    }

    private mutating func deleteBackward() {
        guard cursor > 0 else { return }
        cursor -= 1
        text.remove(at: cursor)
    }

    private mutating func deleteForward() {
        guard cursor < text.count else { return }
        text.remove(at: cursor)
    }

    private mutating func cutAway(_ range: Range<Int>) {
        cut = Array(text[range])
        text.removeSubrange(range)
        cursor = range.lowerBound
    }

    private var startOfWord: Int {
        var start = cursor
        while start > 0, text[start - 1] == " " { start -= 1 }
        while start > 0, text[start - 1] != " " { start -= 1 }
        return start
    }

    // MARK: History

    private mutating func show(_ index: Int) {
        guard index != shown, (0...history.count).contains(index) else { return }
        if shown == history.count { typed = text }
        shown = index
        text = index == history.count ? typed : Array(history[index])
        cursor = text.count
    }

    // MARK: Keys and characters of several bytes

    private mutating func takeFurther(_ byte: UInt8) -> Outcome {
        pending.append(byte)
        if pending[0] == 0x1B {
            takeEscape()
        } else if byte & 0xC0 != 0x80 {
            // No continuation: the character was broken off.
            pending = []
            return take(byte)
        } else if pending.count == LineEditor.length(startingWith: pending[0]) {
            insert(String(decoding: pending, as: UTF8.self))
            pending = []
        }
        return .edited
    }

    private static func length(startingWith byte: UInt8) -> Int {
        byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// `ESC [ A`, `ESC O A`, `ESC [ 3 ~` and their kin; what is not known does nothing.
    private mutating func takeEscape() {
        guard pending.count > 2 else {
            if pending[1] != UInt8(ascii: "["), pending[1] != UInt8(ascii: "O") { pending = [] }
            return
        }
        let last = pending[pending.count - 1]
        // Parameters are digits and semicolons; anything else ends the sequence.
        guard !(0x30...0x3B).contains(last) || pending.count > 8 else { return }
        let key = String(decoding: pending.dropFirst(2), as: UTF8.self)
        pending = []
        switch key {
        case "A": show(shown - 1)
        case "B": show(shown + 1)
        case "C": cursor = min(text.count, cursor + 1)
        case "D": cursor = max(0, cursor - 1)
        case "H", "1~", "7~": cursor = 0
        case "F", "4~", "8~": cursor = text.count
        case "3~": deleteForward()
        default: break
        }
    }

    // MARK: Drawing

    /// What draws the line anew: the part around the cursor, when the whole does not fit.
    /// - Parameters:
    ///   - prompt: what stands before it.
    ///   - width: the terminal's columns.
    /// - Returns: text for the terminal.
    package func drawing(prompt: String, width: Int) -> String {
        let room = max(8, width - prompt.count - 1)
        let start = cursor < room ? 0 : cursor - room + 1
        let visible = text[start..<min(text.count, start + room)]
        let column = prompt.count + cursor - start
        return "\r\(prompt)\(String(visible).escapedForTerminal)\u{1B}[K\r"
            + (column > 0 ? "\u{1B}[\(column)C" : "")
    }
}
