import WardenCore
import WardenWire

/// Goal: no body of a client or a server traps a decoder, and what is read is written as it was read.
@c(LLVMFuzzerTestOneInput)
func takeXMLRPC(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let body = Array(UnsafeBufferPointer(start: start, count: count))
    // Most bodies are no calls.
    if let call = try? XMLRPCCall(decoding: body) {
        // A call that was read can be read again: `nil` here is a finding.
        let again = try? XMLRPCCall(decoding: call.encoded())
        precondition(again?.method == call.method, "the call is read back otherwise")
        precondition(again?.parameters.count == call.parameters.count, "the parameters are read back otherwise")
    }
    // Most bodies are no responses either.
    if let response = try? XMLRPCResponse(decoding: body) {
        // As above.
        let again = try? XMLRPCResponse(decoding: response.encoded())
        precondition(again != nil, "the response is not read back")
    }
    return 0
}
