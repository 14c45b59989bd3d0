internal import Glibc
internal import WardenCore

extension PumpLoop {
    internal func obey(_ order: PumpOrder, at now: Instant) throws(Relieved) {
        switch order {
        case .attach(let worker, let stream, let descriptor, let target, let rules, let treatment):
            try attach(worker, stream, Descriptor(owning: descriptor), target, rules, treatment, at: now)
        case .disregard(let worker):
            for stream in workers[worker]?.streams ?? [] { stream.tap?.disregard() }
        case .exited(let worker): try exited(worker, at: now)
        case .reopenLogs: logsToReopen = Array(logs.values)
        case .clear(let worker, let stream, let reply): try clear(worker, stream, at: now, reply)
        case .answered(let log, let errand, let progress): try answered(log, errand, progress, at: now)
        case .compressed(let file): try place(file, at: now)
        case .lastLines(let worker, let reply): reply(workers[worker]?.scanner.lastLines() ?? [])
        case .park(let reply):
            isParked = stuckLogs == 0
            reply(isParked)
        case .handOver(let reply): reply(handOver(at: now))
        case .goOn: isParked = false
        case .adopt(let worker, let rules): try adopt(worker, rules, at: now)
        case .stop:
            isParked = false
            isStopping = true
        }
    }

    internal func attach(
        _ id: WorkerID, _ kind: OutputStream, _ pipe: consuming Descriptor, _ target: LogTarget, _ rules: ScanRules,
        _ treatment: StreamTreatment, at now: Instant
    ) throws(Relieved) {
        guard streams.count < PumpLimits.streams else {
            let failure = KernelFailure("attach stream", "number \(streams.count + 1)", ENOBUFS)
            reports.trouble(LogTrouble(path: "", failure: failure, droppedBytes: 0))
            return
        }
        let worker: PumpWorker
        if let known = workers[id] {
            worker = known
        } else {
            worker = PumpWorker(id: id, scanner: LineScanner(rules: rules, tools: tools), at: now)
            workers[id] = worker
        }
        let log = log(for: target)
        let tap = treatment.isPlain ? nil : PumpTap(treatment, id, kind, syslog)
        // tee(2) and splice(2) do not wait when they are told so; read(2) must be told by the pipe.
        if tap?.rewrites == true { _ = try? pipe.setNonblocking() }
        let stream = PumpStream(
            worker: worker, stream: kind, token: newToken(), pipe: pipe, log: log, treatment: treatment,
            tap: tap)
        worker.streams.append(stream)
        streams[stream.token] = stream
        try watch(stream)
        // At once, not with the first byte: `tail -f` shall find the file of a worker that is silent. And last of all:
        // its disk may not answer.
        guard let log, !isBlocked(log), log.file == nil else { return }
        _ = try atDisk(.openLog, of: log, for: .other, at: now) {
            log.openIfNeeded(at: now)
            return .written
        }
    }

    private func log(for target: LogTarget) -> SharedLog? {
        switch target {
        case .nowhere: return nil
        case .file(let path, let maximumBytes, let backupCount, let compresses):
            let log: SharedLog
            if let known = logs[path] {
                log = known
            } else {
                log = SharedLog(
                    path: path, maximumBytes: maximumBytes, backupCount: backupCount, token: newToken())
                logs[path] = log
                logsByToken[log.token] = log
            }
            // The file of one whose disk hangs is another thread's; it keeps its settings until the next start.
            if !log.isStuck {
                log.setRotation(
                    maximumBytes: maximumBytes, backupCount: backupCount,
                    compresses ? { [compressor] in compressor.take($0) } : nil)
            }
            log.userCount += 1
            return log
        }
    }

    /// A log may have no user any more; its rotated files still want their names.
    internal func place(_ file: CompressedFile, at now: Instant) throws(Relieved) {
        guard let log = logs[file.source.log] else { return file.place() }
        // It stays as it is, uncompressed.
        if isBlocked(log) { return CompressedFile.close(file) }
        _ = try atDisk(.writeLog, of: log, for: .other, at: now) {
            file.place()
            return .written
        }
        log.file?.compressing.remove(file.source.inode)
        // Once: it would be the same with every rotation.
        guard let failure = file.failure, !log.cannotCompress else { return }
        log.cannotCompress = true
        reports.trouble(LogTrouble(path: log.path + ".1", failure: failure, droppedBytes: 0))
    }

    private func newToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }

    private func exited(_ id: WorkerID, at now: Instant) throws(Relieved) {
        // Never until the end of the pipe: a grandchild may hold it for ever.
        try exited(id, after: drainAfterExit, at: now)
    }

    internal func exited(_ id: WorkerID, after delay: Duration, at now: Instant) throws(Relieved) {
        guard let worker = workers[id], worker.closesAt == nil else { return }
        worker.closesAt = now + delay
        if worker.streams.isEmpty {
            try conclude(worker, at: now)
        } else {
            closingQueue.append(worker)
        }
    }

    internal func reopen(_ log: SharedLog, at now: Instant) throws(Relieved) {
        // Whoever hangs at the old file goes on in it.
        guard !isBlocked(log), log.file != nil else { return }
        try resume(log)
        var failure: KernelFailure?
        _ = try atDisk(.openLog, of: log, for: .other, at: now) {
            do throws(KernelFailure) { try log.file?.reopen() } catch { failure = error }
            return .written
        }
        guard let failure else { return }
        reports.trouble(
            LogTrouble(path: log.path, failure: failure, droppedBytes: log.file?.droppedBytesInAll ?? 0))
    }

    private func clear(
        _ id: WorkerID, _ kind: OutputStream, at now: Instant, _ reply: @Sendable (KernelFailure?) -> Void
    ) throws(Relieved) {
        guard let log = workers[id]?.streams.first(where: { $0.stream == kind })?.log else { return reply(nil) }
        if isBlocked(log) { return reply(KernelFailure("remove", log.path, ETIMEDOUT)) }
        // By whoever does it, and when it is done: also by a thread that was relieved meanwhile.
        _ = try atDisk(.openLog, of: log, for: .other, at: now) {
            var failure: KernelFailure?
            do throws(KernelFailure) { try log.file?.clear() } catch { failure = error }
            reply(failure)
            return .written
        }
    }
}
