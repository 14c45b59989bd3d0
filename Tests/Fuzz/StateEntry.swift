import WardenCore
import WardenWire

/// Goal: no bytes that a former binary leaves trap the next one: neither the reader, nor the supervisor that it makes of
/// them, nor that supervisor's next steps.
@c(LLVMFuzzerTestOneInput)
func takeState(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    // Most bytes are no state.
    guard let state = try? StateValue(decoding: bytes) else { return 0 }
    let again = try? StateValue(decoding: state.encoded())
    precondition(again?.encoded() == state.encoded(), "the state is read back otherwise")
    var part = state
    if case .object(let members) = state, let member = members.first(where: { $0.name == "supervisor" }) {
        part = member.value
    }
    guard var supervisor = try? StateDecoder.decode(Supervisor.self, from: part) else { return 0 }
    let told = try? StateEncoder.encode(supervisor)
    precondition(told != nil, "what was read cannot be told")
    supervisor.takeOver()
    return 0
}
