// with: Config/*
import WardenCore

/// Goal: no text traps the expansion of `%(name)s`, the splitting of `environment` and of `command`, or the reading of
/// an environment file; and an expansion stays within its limit.
@c(LLVMFuzzerTestOneInput)
func takeExpansion(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    // Most texts are refused, here and below: the refusal must have words.
    do {
        let result = try PythonFormat.expand(text) { name in
            name.hasPrefix("n") ? .number(name.utf8.count * 1_000_003 - 7) : name == "x" ? nil : .text("h\u{e9}re")
        }
        let length = result.unicodeScalars.count
        precondition(length <= max(count, ConfigLimits.expandedBytes), "the expansion is longer than its limit")
        if !text.unicodeScalars.contains("%") { precondition(result == text, "nothing was to be expanded") }
    } catch {
        precondition(!"\(error)".isEmpty, "a refusal says nothing")
    }
    // Refused.
    for word in (try? ShellWords.split(text)) ?? [] { precondition(word.utf8.count <= count * 3, "a word grew") }
    if let words = try? ShellWords.tokens(text) { precondition(words.count <= count, "words out of nothing") }
    if case .success(let words) = CommandWords.split(text) {
        precondition(words.count <= count, "words out of nothing")
    }
    // Refused.
    if let variables = try? EnvironmentFile.parse(bytes) {
        precondition(!variables.keys.contains { $0.isEmpty || $0.contains("=") }, "a variable without a name")
    }
    return 0
}
