internal import Glibc

/// What a line says about a descriptor table that is full.
package enum ExhaustionReport: Hashable, Sendable {
    /// Nothing.
    case none
    /// EMFILE: this process has no descriptor left.
    case process
    /// ENFILE: the host has none left. An error, but not the worker's own.
    case host
}

/// Knows EMFILE as Python, C, Rust, Go, Java, Node and nginx spell it.
///
/// Lines are cheap to dismiss: a whole chunk is first searched for a few literals, each by vector instructions.
package struct ExhaustionPattern {
    // Each spelling has one of these in it. One pattern per literal: PCRE2 vectorises a literal, not an alternation.
    internal let literals: [Pattern]
    private let process: Pattern
    private let host: Pattern

    /// Compiles the built-in spellings.
    ///
    /// - Throws: never with the spellings as they are; a test holds that.
    package init() throws(PatternFailure) {
        literals = [
            try Pattern("many open files"), try Pattern("E[MN]FILE"), try Pattern("rrno.{0,2}24"),
            try Pattern("os error 24"),
        ]
        process = try Pattern(
            #"[Tt]oo many open files(?! in system)|\bEMFILE\b|\b[Ee]rrno(?: |: ?|=)24\b|\bos error 24\b"#)
        host = try Pattern(#"[Tt]oo many open files in system|\bENFILE\b"#)
    }

    /// Whether any line of a chunk is worth a look.
    ///
    /// - Parameters:
    ///   - bytes: any number of lines.
    ///   - matcher: the thread's own.
    package func mayOccur(in bytes: UnsafeRawBufferPointer, _ matcher: PatternMatcher) -> Bool {
        for literal in literals where matcher.finds(literal, in: bytes) { return true }
        return false
    }

    /// What one line says.
    ///
    /// - Parameters:
    ///   - line: a line, without its end.
    ///   - matcher: the thread's own.
    package func report(of line: UnsafeRawBufferPointer, _ matcher: PatternMatcher) -> ExhaustionReport {
        if matcher.finds(process, in: line) { return .process }
        return matcher.finds(host, in: line) ? .host : .none
    }
}
