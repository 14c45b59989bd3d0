import WardenCore
import WardenWire

/// Goal: no output of a listener traps its parser, its words do not depend on how the reads were cut, and their order
/// is that of the protocol.
@c(LLVMFuzzerTestOneInput)
func takeListener(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var whole = ListenerParser()
    let words = whole.read(bytes)
    // Each byte says how long the next piece is.
    var parser = ListenerParser()
    var cut: [ListenerWord] = []
    var position = 0
    while position < bytes.count {
        let end = min(bytes.count, position + 1 + Int(bytes[position] % 7))
        cut += parser.read(bytes[position..<end])
        position = end
    }
    precondition(cut == words, "the words depend on the reads")
    precondition(parser == whole, "the states depend on the reads")
    var last: ListenerWord?
    for word in words {
        switch (last, word) {
        case (nil, .ready), (.ready, .talking), (.talking, .result), (.result, .ready): break
        case (nil, .violation), (.talking, .violation), (.result, .violation): break
        default: preconditionFailure("\(word) after \(String(describing: last))")
        }
        last = word
    }
    return 0
}
