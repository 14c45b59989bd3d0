import WardenCore
import WardenWire

/// Goal: no text traps the JSON decoder, what is read is written as it was read, and neither Base64 nor a time traps.
@c(LLVMFuzzerTestOneInput)
func takeJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    // Most bytes are no JSON.
    if let value = try? JSONValue(decoding: bytes) {
        // What was read can be read again: `nil` here is a finding.
        let again = try? JSONValue(decoding: value.encoded())
        precondition(again?.encoded() == value.encoded(), "the value is read back otherwise")
    }
    let text = String(decoding: bytes, as: UTF8.self)
    _ = Base64.decode(text)
    _ = WallTime(rfc3339: text)
    precondition(Base64.decode(Base64.encode(bytes)) == bytes, "Base64 is read back otherwise")
    return 0
}
