import Glibc
import WardenWire

/// The person's end: standard input, output and error.
enum Terminal {
    static func tell(_ output: CommandOutput) {
        switch output {
        case .line(let line): write(Array("\(line)\n".utf8), to: STDOUT_FILENO)
        case .raw(let bytes): write(bytes, to: STDOUT_FILENO)
        case .error(let line): write(Array("\(line)\n".utf8), to: STDERR_FILENO)
        }
    }

    /// A line from the person; `nil` at the end of the input.
    static func ask(_ question: String, isSecret: Bool) -> String? {
        // The shell's prompts go where supervisorctl's do. `hash-password` prints what goes into a file.
        let person = isSecret && isatty(STDOUT_FILENO) != 1 ? STDERR_FILENO : STDOUT_FILENO
        write(Array(question.utf8), to: person)
        var settings = termios()
        let isTerminal = isSecret && tcgetattr(STDIN_FILENO, &settings) == 0
        let echoing = settings
        if isTerminal {
            settings.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        }
        defer {
            if isTerminal {
                var echoing = echoing
                tcsetattr(STDIN_FILENO, TCSAFLUSH, &echoing)
                write([0x0A], to: person)
            }
        }
        return StandardInput.line()
    }

    /// Text with control sequences of our own.
    static func show(_ text: String) {
        write(Array(text.utf8), to: STDOUT_FILENO)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // Nobody reads any more (`tail -f x | head`): there is nothing left to do and nobody to tell.
                exit(ExitCode.failure)
            }
            rest = rest.dropFirst(count)
        }
    }
}
