import WardenCore
import WardenLinux
import WardenWire

/// What waits to be written to a worker's standard input.
struct InputQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    /// What waits.
    var waiting: [UInt8] { Array(bytes[start...]) }

    mutating func append(_ more: [UInt8]) {
        if count == 0 {
            bytes = more
            start = 0
        } else {
            bytes += more
        }
    }

    mutating func removeAll() {
        bytes = []
        start = 0
    }

    /// Writes as much as is taken, and forgets it.
    mutating func write(to input: borrowing Descriptor) throws(KernelFailure) {
        while count > 0 {
            let start = start
            let taken = try bytes.withUnsafeBufferPointer { (all) throws(KernelFailure) -> Int? in
                try input.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[start...])))
            }
            guard let taken else { return }
            self.start += taken
        }
        removeAll()
    }
}

/// Workers' standard input. Nobody waits for a worker that does not read: what it does not take is kept, up to a limit,
/// and offered again when its pipe has room.
extension KernelMachine {
    mutating func send(_ event: PoolEvent, to worker: WorkerID) {
        // A listener has one event at a time, so no more than that one waits for it.
        let isTaken = enqueue(EventEnvelope.bytes(event, server: ground.identifier), for: worker)
        if !isTaken {
            pending.append(.worker(worker, .inputClosed))
        } else if keeper.isKept {
            // What its pipe has not taken yet dies with us: the next daemon sends the whole of it again.
            if workers[worker]?.unsent.count == 0 {
                keeper.delivered(event.serial, to: worker.slot)
            } else {
                workers[worker]?.serialOnItsWay = event.serial
            }
        }
    }

    mutating func disregardOutput(of worker: WorkerID) {
        // A full mailbox: it goes on being listened to, and its pool pays no heed.
        _ = parts.pump.disregard(worker)
    }

    mutating func writeInput(_ worker: WorkerID, _ bytes: [UInt8], for request: RequestID) {
        let waiting = workers[worker]?.unsent.count ?? 0
        // Whole or not at all: half a line would be worse than none.
        guard waiting == 0 || waiting + bytes.count <= RuntimeLimits.inputBytes else {
            let text = "its standard input is full: \(waiting) bytes wait to be read"
            parts.bridge.answer(request, .refused(.failed(text)))
            return
        }
        let name = workers[worker]?.spec.name.qualified ?? ""
        parts.bridge.answer(request, enqueue(bytes, for: worker) ? .done : .refused(.noFile(name)))
    }

    /// - Returns: false when nobody can read it.
    private mutating func enqueue(_ bytes: [UInt8], for worker: WorkerID) -> Bool {
        guard let process = workers[worker], process.input != nil else { return false }
        process.unsent.append(bytes)
        flushInput(of: worker)
        return process.input != nil
    }

    /// Writes what the pipe takes, and watches it while something is left.
    mutating func flushInput(of worker: WorkerID) {
        guard let process = workers[worker] else { return }
        do throws(KernelFailure) {
            try process.flushInput()
            let isNeeded = process.unsent.count > 0
            if !isNeeded, let serial = process.serialOnItsWay {
                process.serialOnItsWay = nil
                keeper.delivered(serial, to: worker.slot)
            }
            guard isNeeded != process.awaitsInput, let number = process.inputNumber else { return }
            if isNeeded {
                try watch(number, .input(worker), for: .writable)
            } else {
                unwatchInput(of: process, number)
            }
            process.awaitsInput = isNeeded
        } catch {
            // EPIPE: it has closed its end. Whoever writes next is told; of an event that was on its way, now.
            let wasOnItsWay = process.awaitsInput
            closeInput(of: process)
            if wasOnItsWay { pending.append(.worker(worker, .inputClosed)) }
        }
    }

    private mutating func unwatchInput(of process: WorkerProcess, _ number: CInt) {
        let worker = process.worker
        unwatch(number) { if case .input(worker) = $0 { true } else { false } }
    }

    /// Nothing more can be written to it.
    mutating func closeInput(of process: WorkerProcess) {
        if process.awaitsInput, let number = process.inputNumber { unwatchInput(of: process, number) }
        process.awaitsInput = false
        process.unsent.removeAll()
        process.input = nil
    }
}

extension WorkerProcess {
    /// For an epoll; `nil` when nothing can be written.
    var inputNumber: CInt? {
        switch input {
        case .some(let input): input.rawValue
        case nil: nil
        }
    }

    /// Writes as much as its pipe takes.
    func flushInput() throws(KernelFailure) {
        switch input {
        case .some(let input): try unsent.write(to: input)
        case nil: break
        }
    }
}

extension StreamTreatment {
    init(_ log: LogSpec, of program: ProgramSpec, pid: Int32, isListener: Bool, _ ground: LaunchGround) {
        self.init()
        self.pid = pid
        self.isListener = isListener
        origin = StreamOrigin(program.name, program: program.program)
        // A listener's words are its protocol: they are logged as they are, and copied nowhere, as by supervisord.
        stripsANSI = ground.stripsANSI && !isListener
        isCopied = ground.copiesOutput && !isListener
        prefix = log.prefix
        writesSyslog = log.writesSyslog
        emitsEvents = log.emitsEvents
        captureBytes = Int(clamping: log.captureBytes)
    }
}
