internal import Glibc
package import WardenCore

/// A worker as one pump tells it to the next: its pipes, where they lead, and how far they were read.
package struct PumpedWorker: Codable, Sendable {
    /// One of its streams.
    package struct Stream: Codable, Sendable {
        /// Which.
        package var stream: OutputStream
        /// The reading end, by its number.
        package var descriptor: Int32
        /// Where its bytes go.
        package var target: LogTarget
        /// What else is made of them.
        package var treatment: StreamTreatment
        internal var aheadBytes: Int
        internal var tap: PumpTap.Memory?
    }

    /// Whose.
    package var worker: WorkerID
    /// Its streams that have not ended.
    package var streams: [Stream]
    /// Its process has ended; its pipes are read for so much longer.
    package var closesIn: Duration?
    internal var scanner: LineScanner.Memory
}

extension PumpLoop {
    /// Everything that a successor has to know. Nothing moves until `goOn`.
    internal func handOver(at now: Instant) -> [PumpedWorker] {
        workers.values.map { worker in
            PumpedWorker(
                worker: worker.id, streams: worker.streams.map(told), closesIn: worker.closesAt.map { $0 - now },
                scanner: worker.scanner.memory)
        }
    }

    private func told(_ stream: PumpStream) -> PumpedWorker.Stream {
        PumpedWorker.Stream(
            stream: stream.stream, descriptor: stream.pipe.rawValue, target: stream.log?.target ?? .nowhere,
            treatment: stream.treatment, aheadBytes: stream.aheadBytes, tap: stream.tap?.memory)
    }

    /// Goes on where a former pump stopped. The descriptors are owned from here on.
    internal func adopt(_ told: PumpedWorker, _ rules: ScanRules, at now: Instant) throws(Relieved) {
        for stream in told.streams {
            try attach(
                told.worker, stream.stream, Descriptor(owning: stream.descriptor), stream.target, rules,
                stream.treatment, at: now)
        }
        // Its pipes have ended, but not yet the time in which they might have written more.
        let worker =
            workers[told.worker]
            ?? PumpWorker(
                id: told.worker, scanner: LineScanner(rules: rules, tools: tools), at: now)
        workers[told.worker] = worker
        worker.scanner.memory = told.scanner
        for stream in worker.streams {
            guard let known = told.streams.first(where: { $0.stream == stream.stream }) else { continue }
            stream.aheadBytes = known.aheadBytes
            if let memory = known.tap { stream.tap?.memory = memory }
            setMayHoldMore(stream, true)
        }
        touch(worker)
        if let closesIn = told.closesIn { try exited(told.worker, after: closesIn, at: now) }
    }
}
