/// Which modules each room may import: section 4 of the design as a table. What is not here, may not be imported.
enum Architecture {
    private static let apple = ["FoundationEssentials", "Synchronization"]
    private static let pure = ["WardenCore", "WardenConfig", "WardenWire"]

    /// Allowed imports by room. A package is named by one room alone.
    static let imports: [String: Set<String>] = [
        "Core": [],
        "Config": ["WardenCore", "FoundationEssentials"],
        "Wire": ["WardenCore", "FoundationEssentials"],
        "Secrets": ["CryptoExtras"],
        "Linux": Set(pure + apple + ["CWardenLinux", "CSystemd", "CPCRE2", "CZlib", "SystemPackage", "Glibc"]),
        "History": Set(pure + apple + ["Foundation", "GRDB"]).subtracting(["WardenConfig"]),
        "Control": Set(
            pure + apple + [
                "Foundation", "Hummingbird", "HummingbirdCore", "HTTPTypes", "NIOCore", "NIOPosix", "NIOHTTP1",
                "NIOHTTPTypes", "NIOSSL", "Logging", "Crypto", "WardenSecrets",
            ]),
        "Outbound": Set(pure + apple + ["Foundation", "AsyncHTTPClient"]),
        "Runtime": Set(
            pure + apple + ["WardenLinux", "WardenHistory", "WardenControl", "WardenOutbound", "DequeModule"]),
        "Main": ["WardenRuntime", "Glibc"],
        "WardenCtl": Set(pure + apple + ["WardenSecrets", "WardenOutbound", "ArgumentParser", "Foundation", "Glibc"]),
    ]

    /// Rooms without `async`: what they do is bounded and runs on the thread that calls.
    static let synchronous: Set<String> = ["Core", "Config", "Wire", "Linux"]
    /// Rooms that wall-clock dates may appear in.
    static let dated: Set<String> = ["Wire", "History"]
}

/// The style of the house that a compiler does not check, one function per rule.
enum Rules {
    /// Every rule that looks at one Swift file.
    static let all: [@Sendable (SourceFile) -> [Finding]] = [
        imports, forcing, silencedErrors, bannedWords, bannedCalls, concurrency, declaredNames, documentation,
        functionLength, fileShape,
    ]

    static func imports(_ file: SourceFile) -> [Finding] {
        guard let room = file.room else { return [] }
        var findings: [Finding] = []
        for (index, token) in file.tokens.enumerated() where token.text == "import" && file.text(at: index - 1) != "." {
            let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let module = file.text(at: kinds.contains(file.text(at: index + 1)) ? index + 2 : index + 1)
            guard let allowed = Architecture.imports[room] else {
                findings.append(
                    file.finding("imports", token, "the folder \(room) is in no table of imports: name it there"))
                continue
            }
            if !allowed.contains(module) {
                findings.append(file.finding("imports", token, "\(room) may not import \(module)"))
            }
        }
        return findings
    }

    /// `try!`, `as!`, a force unwrap and an implicitly unwrapped optional are all a word or a bracket with a `!` stuck
    /// to it; a negation has something else before it.
    static func forcing(_ file: SourceFile) -> [Finding] {
        file.findings("forcing") { index, token in
            guard token.text == "!", index > 0, !token.followsSpace else { return nil }
            let before = file.text(at: index - 1)
            // The operator `!=`, written without spaces.
            if file.text(at: index + 1) == "=", !file.tokens[index + 1].followsSpace { return nil }
            guard file.tokens[index - 1].isWord || [")", "]", "}", ">", "\"", "?"].contains(before) else { return nil }
            return "\(before)! traps on what may happen: unwrap it, or throw"
        }
    }

    /// `try?` needs its reason, on its line or on one of the three before.
    static func silencedErrors(_ file: SourceFile) -> [Finding] {
        file.findings("silenced-error") { index, token in
            guard token.text == "try", file.text(at: index + 1) == "?" else { return nil }
            guard index + 1 < file.tokens.count, !file.tokens[index + 1].followsSpace else { return nil }
            let hasReason = (token.line - 3...token.line).contains { file.trimmedLine($0).contains("//") }
            return hasReason ? nil : "try? without a comment that says why the error does not matter"
        }
    }

    static func bannedWords(_ file: SourceFile) -> [Finding] {
        let everywhere = [
            "public": "nothing is public: use package",
            "testable": "tests see what is package, and nothing else",
            "DispatchQueue": "threads have owners here: no dispatch queues",
            "DispatchSemaphore": "threads have owners here: no dispatch semaphores",
        ]
        let inSources = [
            "fatalError": "a trap ends every worker's supervisor: throw, or report an invariant",
            "preconditionFailure": "a trap ends every worker's supervisor: throw, or report an invariant",
        ]
        return file.findings("banned-word") { index, token in
            if token.text == "Foundation", file.text(at: index - 1) == "import",
                file.isTest == false, let room = file.room,
                ["Core", "Config", "Wire", "Linux", "Runtime"].contains(room)
            {
                return "the whole of Foundation is not for \(room): FoundationEssentials, or nothing"
            }
            if file.text(at: index - 1) == "." || file.text(at: index + 1) == ":" { return nil }
            return everywhere[token.text] ?? (file.isTest ? nil : inSources[token.text])
        }
    }

    /// Functions of C and types of Foundation that have a better successor here. A method of that name is no such call,
    /// and a file that imports neither Glibc nor Foundation cannot make one.
    static func bannedCalls(_ file: SourceFile) -> [Finding] {
        guard !file.isTest else { return [] }
        let calls = [
            "kill": "signals go by pidfd: a number may be somebody else's by now",
            "fork": "children are made by the spawner alone",
            "signal": "signals are blocked and read, not caught",
            "Process": "children are made by the spawner alone",
        ]
        let canCall = file.importsAny(of: ["Glibc", "Foundation"])
        return file.findings("banned-call") { index, token in
            guard file.text(at: index + 1) == "(" else { return nil }
            let before = file.text(at: index - 1)
            if token.text == "Date", !Architecture.dated.contains(file.room ?? "") {
                return "wall-clock time belongs to Wire and History"
            }
            let isQualified = before == "." && ["Glibc", "Foundation"].contains(file.text(at: index - 2))
            guard isQualified || canCall && ![".", "func", "case"].contains(before) else { return nil }
            // A case in a list of cases: `case spawn(Int), signal(Int)`.
            if before == ",", file.isInCaseList(index) { return nil }
            return calls[token.text]
        }
    }

    static func concurrency(_ file: SourceFile) -> [Finding] {
        file.findings("concurrency") { index, token in
            let next = file.text(at: index + 1)
            let afterNext = file.text(at: index + 2)
            switch token.text {
            case "unchecked" where file.text(at: index - 1) == "@": return "@unchecked silences the compiler"
            case "nonisolated" where next == "(" && afterNext == "unsafe":
                return "nonisolated(unsafe) silences the compiler"
            case "Task" where next == "." && afterNext == "detached": return "a detached task has no owner"
            case "Task" where ["{", "("].contains(next) && file.room != "WardenCtl":
                return "a bare task has no owner: use a task group"
            case "async", "await":
                guard Architecture.synchronous.contains(file.room ?? "") else { return nil }
                return "there is no \(token.text) in \(file.room ?? "")"
            default: return nil
            }
        }
    }

    static func declaredNames(_ file: SourceFile) -> [Finding] {
        let kinds: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        return file.findings("name") { index, token in
            guard kinds.contains(token.text), index + 1 < file.tokens.count else { return nil }
            let name = file.text(at: index + 1)
            let banned = ["Manager", "Helper", "Util", "Utils", "Utility"].first { name.hasSuffix($0) }
            return banned.map { "\(name): \($0) says nothing; name what it is" }
        }
    }
}

extension SourceFile {
    func finding(_ rule: String, _ token: Token, _ message: String) -> Finding {
        Finding(rule: rule, path: path, line: token.line, message: message)
    }

    /// A finding for each token that `judge` has a message for.
    func findings(_ rule: String, _ judge: (Int, Token) -> String?) -> [Finding] {
        tokens.enumerated().compactMap { index, token in
            judge(index, token).map { finding(rule, token, $0) }
        }
    }

    /// Whether the file imports one of the modules.
    func importsAny(of modules: Set<String>) -> Bool {
        tokens.indices.contains { text(at: $0) == "import" && modules.contains(text(at: $0 + 1)) }
    }

    /// Whether the token at `index` stands in the list of an enum's `case`.
    func isInCaseList(_ index: Int) -> Bool {
        var depth = 0
        for place in stride(from: index - 1, through: 0, by: -1) {
            switch tokens[place].text {
            case ")": depth += 1
            case "(":
                depth -= 1
                if depth < 0 { return false }
            case "case" where depth == 0: return true
            case "{", "}", ";", "=": if depth == 0 { return false }
            default: continue
            }
        }
        return false
    }
}
