import WardenWire

/// What stands behind the `?` of an address of the JSON interface.
///
/// Stricter than `FormFields`, which reads as supervisord does: what cannot be read is refused, and so is a field that
/// is given twice, or not known: a misspelt `worker` would list the incidents of all.
struct QueryFields {
    private var fields: [(name: String, value: String)] = []

    /// - Parameter query: what stands there; `nil` when there is no `?`.
    /// - Throws: 400 when it is not percent-encoded UTF-8, or too much.
    init(_ query: String?) throws(Problem) {
        let pairs = (query ?? "").split(separator: "&")
        guard pairs.count <= ControlLimits.formFields else {
            throw QueryFields.problem("the address has more than \(ControlLimits.formFields) fields")
        }
        for pair in pairs {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = QueryFields.decoded(parts[0]),
                let value = QueryFields.decoded(parts.dropFirst().first ?? "")
            else { throw QueryFields.problem("the address is not percent-encoded UTF-8") }
            fields.append((name, value))
        }
    }

    /// - Throws: 400 when there is a field of another name.
    func admit(only names: [String]) throws(Problem) {
        guard let other = fields.first(where: { !names.contains($0.name) }) else { return }
        let known = names.isEmpty ? "nothing" : "only " + names.joined(separator: ", ")
        throw QueryFields.problem("the address has \"\(other.name)\", and this takes \(known)")
    }

    /// - Throws: 400 when it is no whole number in the range.
    func number(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = try value(name) else { return nil }
        // Int64 would take a sign.
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text),
            range.contains(number)
        else {
            let most = range.upperBound == .max ? "" : " to \(range.upperBound)"
            throw QueryFields.problem("\(name) is not a whole number from \(range.lowerBound)\(most)")
        }
        return number
    }

    /// - Throws: 400 when it is none of the words.
    func choice(_ name: String, of words: [String]) throws(Problem) -> String? {
        guard let text = try value(name) else { return nil }
        guard words.contains(text) else {
            throw QueryFields.problem("\(name) is not one of \(words.joined(separator: ", "))")
        }
        return text
    }

    /// - Throws: 400 when it is empty.
    func name(_ name: String) throws(Problem) -> String? {
        guard let text = try value(name) else { return nil }
        guard !text.isEmpty else { throw QueryFields.problem("\(name) is empty") }
        return text
    }

    private func value(_ name: String) throws(Problem) -> String? {
        let found = fields.filter { $0.name == name }
        guard found.count <= 1 else { throw QueryFields.problem("\(name) is given \(found.count) times") }
        return found.first?.value
    }

    private static func decoded(_ text: Substring) -> String? {
        String(decoding: text.utf8.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }, as: UTF8.self).percentDecoded
    }

    private static func problem(_ detail: String) -> Problem {
        Problem(status: 400, title: "Bad Request", detail: detail)
    }
}
