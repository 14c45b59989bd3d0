import WardenCore

/// The kinds of value that `[health]` adds.
extension Values {
    /// One of a few words.
    static func word<Choice>(_ text: String, _ choices: [String: Choice]) throws(ValueError) -> Choice {
        if let choice = choices[text.lowercased()] { return choice }
        let names = choices.keys.sorted()
        let hint = Spelling.suggestion(for: text, among: names)
        throw ValueError("\(quoted(text)) is not one of \(names.joined(separator: ", "))\(hint)")
    }

    /// `N of M`.
    static func confirmation(_ text: String) throws(ValueError) -> HealthSpec.Confirmation {
        guard let (needed, window) = pair(text, "of") else {
            throw ValueError("\(quoted(text)) is not N of M, such as 3 of 5")
        }
        let numbers = (try integer(needed), try integer(window))
        guard numbers.0 >= 1, numbers.0 <= numbers.1, numbers.1 <= Limits.confirmWindow else {
            throw ValueError("\(quoted(text)): N must be from 1 to M, and M at most \(Limits.confirmWindow)")
        }
        return HealthSpec.Confirmation(needed: numbers.0, window: numbers.1)
    }

    /// `80%` used, or `N free`.
    static func descriptorThreshold(_ text: String) throws(ValueError) -> HealthSpec.DescriptorThreshold {
        let words = text.words
        if words.count == 2, words[1].lowercased() == "free" {
            let free = try integer(words[0])
            guard free >= 0 else { throw ValueError("\(free) free descriptors cannot be") }
            return .free(free)
        }
        guard text.hasSuffix("%"), let percent = Double(String(text.dropLast()).trimmed), percent > 0, percent <= 100
        else { throw ValueError("\(quoted(text)) is not a percentage above 0% and up to 100%, nor N free") }
        return .percentUsed(percent)
    }

    static func heartbeat(_ text: String, _ host: ConfigurationHost) throws(ValueError) -> HealthSpec.Heartbeat {
        switch text.lowercased() {
        case "log": return .log
        case "notify": return .notify
        case "none": return .none
        case _ where text.lowercased().hasPrefix("file:"):
            let path = expandingHome(String(text.dropFirst("file:".count)).trimmed, host)
            guard path.hasPrefix("/") else { throw ValueError("\(quoted(path)) is not an absolute path") }
            return .file(path)
        default: throw ValueError("\(quoted(text)) is not log, file:PATH, notify or none")
        }
    }

    /// `none`, `exec:COMMAND`, or a URL with a JSON pointer as its fragment.
    static func demand(_ text: String) throws(ValueError) -> HealthSpec.DemandSource {
        if text.lowercased() == "none" { return .none }
        if let command = try execCommand(text) { return .command(command) }
        guard text.lowercased().hasPrefix("http") else {
            throw ValueError("not none, exec:COMMAND or http(s)://…#/json/pointer")
        }
        let url = try webURL(text)
        guard let (_, pointer) = url.halves(around: "#"), pointer.hasPrefix("/") else {
            throw ValueError("the URL has no #/json/pointer to the number in its answer")
        }
        return .http(url)
    }

    /// `none`, `exec:COMMAND`, `tcp://HOST:PORT` or a URL.
    static func probe(_ text: String) throws(ValueError) -> HealthSpec.Probe {
        let lowered = text.lowercased()
        if lowered == "none" { return .none }
        if let command = try execCommand(text) { return .command(command) }
        if lowered.hasPrefix("tcp://") {
            let address = String(text.dropFirst("tcp://".count))
            guard try !inetAddress(address).host.isEmpty else { throw ValueError("\(quoted(text)) has no host") }
            return .tcp(address)
        }
        guard lowered.hasPrefix("http") else {
            throw ValueError("not none, exec:COMMAND, tcp://HOST:PORT or http(s)://…")
        }
        return .http(try webURL(text))
    }

    private static func execCommand(_ text: String) throws(ValueError) -> String? {
        guard text.lowercased().hasPrefix("exec:") else { return nil }
        return try command(String(text.dropFirst("exec:".count)).trimmed)
    }

    /// A count from 1, or a percentage.
    static func share(_ text: String) throws(ValueError) -> Share {
        if text.hasSuffix("%") {
            let percent = try integer(String(text.dropLast()))
            guard (1...100).contains(percent) else { throw ValueError("\(percent)% is not between 1% and 100%") }
            return .percent(percent)
        }
        let count = try integer(text)
        guard (1...Limits.slots).contains(count) else {
            throw ValueError("\(count) is not between 1 and \(Limits.slots)")
        }
        return .count(count)
    }

    /// `ACTION` for every cause of the class, or `CAUSE:ACTION`, or both: the causes by name win.
    static func actions(_ text: String, _ className: String) throws(ValueError) -> [Condition: HealthAction] {
        let conditions = Condition.precedence.filter { $0.className == className }
        var result: [Condition: HealthAction] = [:]
        var byName: [Condition: HealthAction] = [:]
        for item in text.split(at: ",") {
            guard let (cause, word) = item.halves(around: ":") else {
                let action = try choice(item) as HealthAction
                for condition in conditions { result[condition] = action }
                continue
            }
            guard let condition = Condition(className: className, causeName: cause.lowercased()) else {
                let causes = conditions.compactMap(\.causeName)
                let list = causes.joined(separator: ", ")
                let hint = Spelling.suggestion(for: cause, among: causes)
                throw ValueError(
                    "\(className) has no cause \(quoted(cause)); its causes are \(list)\(hint)"
                )
            }
            byName[condition] = try choice(word)
        }
        return result.merging(byName) { _, named in named }
    }
}
