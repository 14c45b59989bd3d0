import WardenCore
import WardenWire

/// Goal: no bytes that a former binary leaves trap the next one: neither the reader, nor what makes a supervisor of
/// them.
@c(LLVMFuzzerTestOneInput)
func takeState(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    // Most bytes are no state.
    guard let state = try? StateValue(decoding: bytes) else { return 0 }
    // What was read can be read again: `nil` here is a finding, as below.
    let again = try? StateValue(decoding: state.encoded())
    precondition(again?.encoded() == state.encoded(), "the state is read back otherwise")
    var part = state
    if case .object(let members) = state, let member = members.first(where: { $0.name == "supervisor" }) {
        part = member.value
    }
    // Most states are no supervisor's.
    guard var supervisor = try? StateDecoder.decode(Supervisor.self, from: part) else { return 0 }
    // Of a supervisor everything can be told.
    let told = try? StateEncoder.encode(supervisor)
    precondition(told != nil, "what was read cannot be told")
    supervisor.takeOver()
    return 0
}
