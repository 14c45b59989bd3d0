// room: Linux
import WardenCore
import WardenLinux

/// Goal: no text of /proc, of a control group or of the service manager traps what reads it, whatever a worker writes
/// into its name, its links or its environment; nor does what a worker says to its own NOTIFY_SOCKET.
@c(LLVMFuzzerTestOneInput)
func takeProc(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    bytes.withUnsafeBytes { raw in
        if let stat = ProcStat(raw) {
            precondition(stat.residentPages >= 0 && stat.threadCount >= 0, "fewer than none")
            precondition(stat.command.count < raw.count, "a name longer than the text")
        }
        if let status = ThreadStatus(raw) { _ = ThreadStatus.wakingSignals(in: status.caughtSignals) }
        _ = ProcText.io(raw)
        if let limits = ProcText.descriptorLimits(raw) {
            precondition(limits.soft >= 0 && limits.hard >= 0, "a limit below none")
        }
        _ = ProcText.count(of: "voluntary_ctxt_switches:", in: raw)
        precondition(KernelStack.frames(raw).count <= count, "frames out of nothing")
    }
    if let mount = ControlGroupMount(mountInfo: bytes) {
        _ = mount.directory(processGroups: bytes)
        _ = mount.directory(processGroups: Array("0::\(mount.root)/a\n".utf8))
    }
    _ = PressureGauge.share("some", in: text)
    // "file" and its like, or a part of the link.
    let kind = Census.kind(ofLink: text)
    precondition(kind.utf8.count <= max(text.utf8.count, 16), "a kind longer than its link")
    if let creator = SharedMemorySweep.creator(of: text) { precondition(creator > 0, "the file of no process") }
    if let name = StoredName(text) { precondition(name.text == text, "a name in the store is written otherwise") }
    if let devices = GPUInspector.devices(visible: text) { precondition(devices.allSatisfy { $0 >= 0 }) }
    precondition(WorkerNotifySocket.words(in: bytes).count <= count, "words out of nothing")
    return 0
}
