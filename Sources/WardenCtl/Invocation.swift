/// What stands on wardenctl's command line, before it means anything.
package struct Invocation: Hashable, Sendable {
    /// Why the command line cannot be used.
    package struct Mistake: Error, Hashable, Sendable {
        /// What is wrong, for the line `Error: …`.
        package var text: String

        /// - Parameter text: what is wrong.
        package init(text: String) {
            self.text = text
        }
    }

    /// `-c`: the configuration file; `nil` searches.
    package var configurationFile: String?
    /// `-s`: the server's address; `nil` takes the configuration's.
    package var serverURL: String?
    /// `-u`.
    package var username: String?
    /// `-p`.
    package var password: String?
    /// `-i`, or no command: questions may be asked.
    package var isInteractive = false
    /// `-r`: where the shell keeps its history; `nil` takes the configuration's.
    package var historyFile: String?
    /// `--ca-file`: certificates to trust instead of the host's.
    package var authority: String?
    /// `-h`: print the usage and exit.
    package var wantsHelp = false
    /// `--json` before the command.
    package var wantsJSON = false
    /// The command's words.
    package var words: [String] = []

    /// The command as one line.
    ///
    /// supervisorctl joins the words and splits them again, which callers rely on that pass `"signal USR1"` as one
    /// argument.
    package var line: String { words.joined(separator: " ") }

    private enum Option: String, CaseIterable {
        case configuration, help, interactive, serverurl, username, password, json
        case historyFile = "history_file"
        case authority = "ca_file"

        var letter: Character? {
            switch self {
            case .configuration: "c"
            case .help: "h"
            case .interactive: "i"
            case .serverurl: "s"
            case .username: "u"
            case .password: "p"
            case .historyFile: "r"
            case .json, .authority: nil
            }
        }

        var takesValue: Bool {
            switch self {
            case .help, .interactive, .json: false
            case .configuration, .serverurl, .username, .password, .historyFile, .authority: true
            }
        }
    }

    /// Reads options up to the first word that is none, as Python's getopt does: what follows belongs to the command.
    /// - Parameter arguments: the command line without the program's name.
    /// - Throws: for an option that is not known, lacks its value or has one too many.
    package init(_ arguments: [String]) throws(Mistake) {
        var rest = arguments[...]
        while let argument = rest.first, argument.hasPrefix("-"), argument != "-" {
            rest = rest.dropFirst()
            if argument == "--" { break }
            if argument.hasPrefix("--") {
                try takeLong(String(argument.dropFirst(2)), &rest)
            } else {
                try takeShort(argument.dropFirst(), &rest)
            }
        }
        words = Array(rest)
        if words.isEmpty { isInteractive = true }
    }

    private mutating func takeLong(_ text: String, _ rest: inout ArraySlice<String>) throws(Mistake) {
        let name = text.prefix { $0 != "=" }
        let value = name.count < text.count ? String(text.dropFirst(name.count + 1)) : nil
        // Any beginning that only one option has is enough; `history-file` is how the manual spells it.
        let spelling = name.replacing("-", with: "_")
        var matches = Option.allCases.filter { $0.rawValue.hasPrefix(spelling) }
        if let exact = matches.first(where: { $0.rawValue == spelling }) { matches = [exact] }
        guard let option = matches.first else { throw Mistake(text: "option --\(name) not recognized") }
        guard matches.count == 1 else { throw Mistake(text: "option --\(name) not a unique prefix") }
        guard option.takesValue else {
            guard value == nil else { throw Mistake(text: "option --\(option.rawValue) must not have an argument") }
            return set(option, "")
        }
        guard let value = value ?? rest.popFirst() else {
            throw Mistake(text: "option --\(option.rawValue) requires argument")
        }
        set(option, value)
    }

    private mutating func takeShort(_ letters: Substring, _ rest: inout ArraySlice<String>) throws(Mistake) {
        var letters = letters
        while let letter = letters.popFirst() {
            let wanted: Character = letter == "?" ? "h" : letter
            guard let option = Option.allCases.first(where: { $0.letter == wanted }) else {
                throw Mistake(text: "option -\(letter) not recognized")
            }
            guard option.takesValue else {
                set(option, "")
                continue
            }
            guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                throw Mistake(text: "option -\(letter) requires argument")
            }
            return set(option, value)
        }
    }

    private mutating func set(_ option: Option, _ value: String) {
        switch option {
        case .configuration: configurationFile = value
        case .help: wantsHelp = true
        case .interactive: isInteractive = true
        case .serverurl: serverURL = value
        case .username: username = value
        case .password: password = value
        case .json: wantsJSON = true
        case .historyFile: historyFile = value
        case .authority: authority = value
        }
    }
}
