// with: Control/FormFields Control/QueryFields Control/APIBody Control/APISchema Control/String+PercentDecoded
// with: Control/ControlLimits Outbound/RetryAfter
import WardenCore
import WardenWire

/// A body that has every kind of field.
private let body = APIBody(fields: [
    APIField(name: "wait", kind: .flag, about: ""),
    APIField(name: "for_seconds", kind: .seconds(upTo: 3600), about: ""),
    APIField(name: "kind", kind: .choice(["hang", "spin"]), about: "", isRequired: true),
    APIField(name: "signal", kind: .numberOrWord([1, 2], ["HUP"]), about: ""),
])

/// Goal: nothing that a client sends traps what reads addresses, forms and bodies, and nothing that a demand source or
/// a webhook's receiver answers traps what reads that.
@c(LLVMFuzzerTestOneInput)
func takeRequest(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    let halves = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
    let first = String(decoding: halves[0], as: UTF8.self)
    let rest = halves.count > 1 ? Array(halves[1]) : []

    if let plain = text.percentDecoded { precondition(plain.utf8.count <= text.utf8.count, "decoding made it longer") }
    let form = FormFields(query: first, body: rest)
    for name in ["action", "processname", "limit"] { precondition(form[name]?.isEmpty != true, "an empty field") }
    // Most queries are refused.
    if let fields = try? QueryFields(first) {
        // So is what they ask for, here and below.
        _ = try? fields.admit(only: ["limit", "worker"])
        if let number = try? fields.number("limit", in: 1...1000) {
            precondition((1...1000).contains(number), "a number out of its range")
        }
        // As above.
        if let name = try? fields.name("worker") { precondition(!name.isEmpty, "an empty name") }
    }
    do throws(Problem) {
        let value = try body.read(bytes)
        precondition(
            value["kind"]?.string.map { ["hang", "spin"].contains($0) } == true, "a required field is missing")
    } catch {
        precondition((400..<500).contains(error.status) && !error.detail.isEmpty, "a refusal that says nothing")
    }

    // A demand source's answer, and the pointer behind its address.
    // Most are no JSON.
    if let amount = (try? JSONValue(decoding: rest))?.value(at: first)?.amount.amount {
        precondition(amount >= 0 && amount.isFinite, "an amount of work that is none")
    }
    if let amount = DemandAnswer(.exited(code: 0, output: text)).amount {
        precondition(amount >= 0 && amount.isFinite, "an amount of work that is none")
    }
    if let pause = RetryAfter.parse(first, date: String(decoding: rest, as: UTF8.self)) {
        precondition(pause >= .zero && pause <= .seconds(100 * 86400), "a pause out of its range")
    }
    return 0
}
