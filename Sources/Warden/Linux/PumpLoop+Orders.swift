internal import Glibc
internal import WardenCore

extension PumpLoop {
    internal func obey(_ order: PumpOrder, at now: Instant) {
        switch order {
        case .attach(let worker, let stream, let descriptor, let target, let rules, let treatment):
            attach(worker, stream, Descriptor(owning: descriptor), target, rules, treatment, at: now)
        case .disregard(let worker):
            for stream in workers[worker]?.streams ?? [] { stream.tap?.disregard() }
        case .exited(let worker): exited(worker, at: now)
        case .reopenLogs: reopenLogs()
        case .clear(let worker, let stream, let reply): reply(clear(worker, stream))
        case .compressed(let file): place(file)
        case .lastLines(let worker, let reply): reply(workers[worker]?.scanner.lastLines() ?? [])
        case .park(let reply):
            isParked = true
            reply()
        case .handOver(let reply): reply(handOver(at: now))
        case .goOn: isParked = false
        case .adopt(let worker, let rules): adopt(worker, rules, at: now)
        case .stop:
            isParked = false
            isStopping = true
        }
    }

    internal func attach(
        _ id: WorkerID, _ kind: OutputStream, _ pipe: consuming Descriptor, _ target: LogTarget, _ rules: ScanRules,
        _ treatment: StreamTreatment, at now: Instant
    ) {
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
        let log = log(for: target, at: now)
        let tap = treatment.isPlain ? nil : PumpTap(treatment, id, kind, syslog)
        // tee(2) and splice(2) do not wait when they are told so; read(2) must be told by the pipe.
        if tap?.rewrites == true { _ = try? pipe.setNonblocking() }
        let stream = PumpStream(
            worker: worker, stream: kind, token: newToken(), pipe: pipe, log: log, treatment: treatment,
            tap: tap)
        worker.streams.append(stream)
        streams[stream.token] = stream
        watch(stream)
    }

    private func log(for target: LogTarget, at now: Instant) -> SharedLog? {
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
            log.setRotation(
                maximumBytes: maximumBytes, backupCount: backupCount,
                compresses ? { [compressor] in compressor.take($0) } : nil)
            log.userCount += 1
            // At once, not with the first byte: `tail -f` shall find the file of a worker that is silent.
            beat.entered(.openLog, at: now, deadline: now + PumpLimits.writeDeadline)
            log.openIfNeeded(at: now)
            beat.left()
            return log
        }
    }

    /// A log may have no user any more; its rotated files still want their names.
    internal func place(_ file: CompressedFile) {
        file.place()
        guard let log = logs[file.source.log] else { return }
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

    private func exited(_ id: WorkerID, at now: Instant) {
        // Never until the end of the pipe: a grandchild may hold it for ever.
        exited(id, after: drainAfterExit, at: now)
    }

    internal func exited(_ id: WorkerID, after delay: Duration, at now: Instant) {
        guard let worker = workers[id], worker.closesAt == nil else { return }
        worker.closesAt = now + delay
        if worker.streams.isEmpty {
            conclude(worker, at: now)
        } else {
            closingQueue.append(worker)
        }
    }

    private func reopenLogs() {
        for log in logs.values {
            guard let file = log.file else { continue }
            resume(log)
            do throws(KernelFailure) {
                try file.reopen()
            } catch {
                reports.trouble(
                    LogTrouble(path: log.path, failure: error, droppedBytes: file.droppedBytesInAll))
            }
        }
    }

    private func clear(_ id: WorkerID, _ kind: OutputStream) -> KernelFailure? {
        guard let log = workers[id]?.streams.first(where: { $0.stream == kind })?.log, let file = log.file else {
            return nil
        }
        do throws(KernelFailure) {
            try file.clear()
            return nil
        } catch {
            return error
        }
    }
}
