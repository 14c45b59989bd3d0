import WardenCore
import WardenWire

/// As much of JSON Schema 2020-12 as the OpenAPI document uses, and stricter in one point: an object must not have
/// members that its schema does not name, so that the document cannot fall behind the answers.
struct SchemaCheck {
    let document: JSONValue

    /// What is wrong, each with its place; empty when the value is as the schema says.
    func problems(_ value: JSONValue, _ schema: JSONValue, at place: String = "$") -> [String] {
        guard case .object(let rules) = schema else { return ["\(place): the schema is no object"] }
        var problems: [String] = []
        var type: String?
        for rule in rules.members {
            switch rule.name {
            case "$ref":
                let pointer = String((rule.value.string ?? "").dropFirst())
                guard let named = document.value(at: pointer) else { return ["\(place): there is no \(pointer)"] }
                problems += self.problems(value, named, at: place)
            case "type": type = rule.value.string
            case "const" where !isSame(value, rule.value): problems.append("\(place): \(value.text) is another")
            case "enum" where !(rule.value.array ?? []).contains { isSame(value, $0) }:
                problems.append("\(place): \(value.text) is none of \(rule.value.text)")
            case "anyOf", "oneOf":
                let tried = (rule.value.array ?? []).map { self.problems(value, $0, at: place) }
                let fitting = tried.count(where: \.isEmpty)
                if fitting == 0 { problems += tried.joined() }
                if rule.name == "oneOf", fitting > 1 { problems.append("\(place): fits \(fitting) of oneOf") }
            case "minimum" where (value.double ?? 0) < (rule.value.double ?? 0),
                "exclusiveMinimum" where (value.double ?? 1) <= (rule.value.double ?? 0),
                "maximum" where (value.double ?? 0) > (rule.value.double ?? 0):
                problems.append("\(place): \(value.text) is not within the \(rule.name) \(rule.value.text)")
            case "minLength" where value.string?.isEmpty == true: problems.append("\(place): empty")
            case "format" where WallTime(rfc3339: value.string ?? "") == nil:
                problems.append("\(place): \(value.text) is no time")
            case "items":
                for (index, element) in (value.array ?? []).enumerated() {
                    problems += self.problems(element, rule.value, at: "\(place)[\(index)]")
                }
            case "required":
                for name in (rule.value.array ?? []).compactMap(\.string) where value[name] == nil {
                    problems.append("\(place): \(name) is missing")
                }
            case "properties":
                guard case .object(let object) = value else { continue }
                for member in object.members {
                    guard let known = rule.value[member.name] else {
                        problems.append("\(place): \(member.name) is not described")
                        continue
                    }
                    problems += self.problems(member.value, known, at: "\(place).\(member.name)")
                }
            case "const", "enum", "minimum", "exclusiveMinimum", "maximum", "minLength", "format", "description",
                "additionalProperties", "pattern":
                continue
            default: problems.append("\(place): a rule that is not known: \(rule.name)")
            }
        }
        if let type, !has(value, type) { problems.append("\(place): \(value.text.prefix(80)) is no \(type)") }
        return problems
    }

    private func isSame(_ value: JSONValue, _ other: JSONValue) -> Bool {
        value == other || (value.double != nil && value.double == other.double)
    }

    private func has(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "null": value == .null
        case "boolean": value.bool != nil
        case "integer": value.integer != nil
        case "number": value.double != nil
        case "string": value.string != nil
        case "array": value.array != nil
        case "object": if case .object = value { true } else { false }
        default: false
        }
    }
}
