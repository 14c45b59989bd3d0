import Glibc
import WardenWire

/// The shell: reads commands until `exit`, the end of the input or Ctrl-C.
///
/// At a terminal the line can be edited; from a pipe lines are read as they are.
struct Shell {
    private let prompt: String
    private var history: LineHistory

    init(prompt: String, historyFile: String?) {
        self.prompt = "\(prompt)> "
        history = LineHistory(path: historyFile)
    }

    /// Begins with `status`, as supervisorctl does.
    mutating func run(_ runner: inout CommandRunner<RemoteServer>) async {
        Interruption.endsQuietly()
        var line: String? = "status"
        while let command = line, await runner.run(command) == .goOn {
            line = await nextLine(runner) ?? "EOF"
        }
    }

    private mutating func nextLine(_ runner: CommandRunner<RemoteServer>) async -> String? {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, let raw = RawMode() else {
            return Terminal.ask(prompt, isSecret: false)
        }
        let line = await edited(runner)
        raw.end()
        if let line {
            Terminal.show("\r\n")
            history.append(line)
        }
        return line
    }

    private func edited(_ runner: CommandRunner<RemoteServer>) async -> String? {
        var editor = LineEditor(history: history.lines)
        var entries: [ProcessEntry]?
        Terminal.show(editor.drawing(prompt: prompt, width: RawMode.width()))
        while let byte = StandardInput.byte() {
            switch editor.take(byte) {
            case .edited: break
            case .accepted(let line): return line
            case .ended: return nil
            case .interrupted: return "EOF"
            case .redrawWanted: Terminal.show("\u{1B}[H\u{1B}[2J")
            case .completionWanted:
                let before = editor.beforeCursor
                if entries == nil, Completion.wantsNames(before) { entries = await runner.processEntries() }
                complete(&editor, Completion(before, entries: entries ?? []))
            }
            Terminal.show(editor.drawing(prompt: prompt, width: RawMode.width()))
        }
        return nil
    }

    /// Several candidates that have nothing more in common are listed.
    private func complete(_ editor: inout LineEditor, _ completion: Completion) {
        let addition = completion.addition
        if addition.isEmpty, completion.candidates.count > 1 {
            let list = completion.candidates.joined(separator: "  ").escapedForTerminal
            Terminal.show("\r\n\(list)\r\n")
        }
        editor.insert(addition)
    }
}

/// The terminal without its own line editing; ended before anything else may use it.
struct RawMode {
    private let former: termios

    /// - Returns: `nil` when standard input is no terminal.
    init?() {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        former = settings
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        settings.c_iflag &= ~tcflag_t(ICRNL | IXON)
        guard tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) == 0 else { return nil }
    }

    func end() {
        var settings = former
        tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
    }

    /// The terminal's columns; 80 when it does not say.
    static func width() -> Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
