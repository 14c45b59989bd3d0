import WardenCore
import WardenLinux

/// Bytes on their way to a worker's standard input, when its pipe is full.
struct WaitingInput {
    private var bytes: [UInt8] = []
    private var sent = 0
    /// Whether the poller looks for room in the pipe.
    var isWatched = false

    var count: Int { bytes.count - sent }

    mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Writes as much as there is room for.
    ///
    /// - Throws: EPIPE when nobody will ever read it.
    mutating func drain(to input: borrowing Descriptor) throws(KernelFailure) {
        while sent < bytes.count {
            let start = sent
            var failure: KernelFailure?
            var written: Int?
            bytes.withUnsafeBytes { buffer in
                do throws(KernelFailure) {
                    written = try input.write(UnsafeRawBufferPointer(rebasing: buffer[start...]))
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            guard let written else { return }
            sent += written
        }
        clear()
    }

    mutating func clear() {
        bytes = []
        sent = 0
    }
}

extension KernelMachine {
    mutating func writeInput(_ worker: WorkerID, _ bytes: [UInt8], for request: RequestID) {
        guard let process = workers[worker], !process.isReaped else {
            reply(request, .refused(.notRunning("")))
            return
        }
        let name = process.spec.name.qualified
        let waiting = process.waitingInput.count
        // Whole or not at all: half a line would be worse than none.
        guard waiting == 0 || waiting + bytes.count <= RuntimeLimits.waitingInputBytes else {
            reply(request, .refused(.failed("\(name) does not read its standard input: \(waiting) bytes wait")))
            return
        }
        process.waitingInput.append(bytes)
        do throws(KernelFailure) {
            try process.waitingInput.drain(to: process.input)
        } catch {
            process.waitingInput.clear()
            reply(request, .refused(.noFile(name)))
            return
        }
        watchInput(of: process)
        reply(request, .done)
    }

    /// There is room again, or nobody reads any more.
    mutating func drainInput(of worker: WorkerID) {
        guard let process = workers[worker] else { return }
        do throws(KernelFailure) {
            try process.waitingInput.drain(to: process.input)
        } catch {
            process.waitingInput.clear()
        }
        if process.waitingInput.count == 0 { forgetInput(of: process) }
    }

    private mutating func watchInput(of process: WorkerProcess) {
        guard process.waitingInput.count > 0, !process.waitingInput.isWatched else { return }
        do throws(KernelFailure) {
            try watch(process.input.rawValue, .input(process.worker), for: .writable)
            process.waitingInput.isWatched = true
        } catch {
            log(LogRecord(.error, "Cannot watch the standard input of \(process.spec.name.qualified): \(error)"))
        }
    }

    mutating func forgetInput(of process: WorkerProcess) {
        guard process.waitingInput.isWatched else { return }
        let worker = process.worker
        unwatch(process.input.rawValue) { if case .input(worker) = $0 { true } else { false } }
        process.waitingInput.isWatched = false
    }

    static func neverWait(_ ends: borrowing PipeEnds) throws(SpawnFailure) {
        do throws(KernelFailure) {
            try ends.writer.setNonblocking()
        } catch {
            throw SpawnFailure(
                stage: .pipe, errorNumber: error.errorNumber, subject: "",
                explanation: Kernel.text(of: error.errorNumber))
        }
    }
}
