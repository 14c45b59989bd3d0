/// The fields of a form: those of the address, and those of a body that a browser sent.
///
/// As supervisord reads them: of equal names in the address the first counts, in the body the last, and the body wins.
struct FormFields: Sendable {
    private var values: [String: String] = [:]

    /// - Parameters:
    ///   - query: what stands behind the `?`.
    ///   - body: `application/x-www-form-urlencoded`, whatever type the request names.
    init(query: String, body: [UInt8] = []) {
        for (name, value) in FormFields.pairs(query).reversed() { values[name] = value }
        for (name, value) in FormFields.pairs(String(decoding: body, as: UTF8.self)) { values[name] = value }
    }

    /// The value of a field; `nil` when there is none or it is empty.
    subscript(name: String) -> String? { values[name] }

    /// At most `ControlLimits.formFields`; what has no value is left out.
    private static func pairs(_ text: String) -> [(String, String)] {
        text.utf8.split(separator: UInt8(ascii: "&")).prefix(ControlLimits.formFields).compactMap { pair in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let value = pair[pair.index(after: equals)...]
            guard !value.isEmpty, let name = decoded(pair[..<equals]), let text = decoded(value) else { return nil }
            return (name, text)
        }
    }

    private static func decoded(_ bytes: Substring.UTF8View.SubSequence) -> String? {
        String(decoding: bytes.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }, as: UTF8.self).percentDecoded
    }
}
