import WardenCore

/// Warden's own decisions, held against the truth and the configuration.
extension Checker {
    /// An incident is stored.
    ///
    /// - Parameters:
    ///   - incident: new, or with its outcome.
    ///   - body: the worker as it really is; `nil` when it has ended.
    ///   - minute: local time, in minutes after midnight.
    mutating func stored(_ incident: Incident, body: Body?, minute: Int) {
        let name = incident.worker
        guard let book = books[name] else { return }
        let condition = incident.verdict.condition
        if let outcome = incident.outcome {
            outcomes[outcome.name, default: 0] += 1
            if book.open?.id == incident.id {
                books[name]?.open = nil
                if case .recovered = outcome, let newest = book.newest, newest.generation <= incident.generation {
                    object("\(name.qualified) recovered by a restart that never was")
                }
            }
            if outcome == .gaveUp {
                books[name]?.givenUp.insert(condition)
                books[name]?.keptAsItIs.insert(condition)
            }
            return
        }
        guard incident.action != .alert else { return }
        if book.open?.id == incident.id { return }
        if let open = book.open { object("\(name.qualified): \(incident.id) began before \(open.id) had its outcome") }
        actions[condition.name, default: 0] += 1
        judge(incident, book, body, minute: minute)
        books[name]?.open = OpenIncident(
            id: incident.id, condition: condition, at: now, generation: incident.generation)
        judgeSeats(of: name)
        charge(condition, book)
        judgeSharedCause(incident, book)
    }

    private mutating func judge(_ incident: Incident, _ book: Book, _ body: Body?, minute: Int) {
        let name = incident.worker.qualified
        let condition = incident.verdict.condition
        let what = "acted on \(name), \(condition.name)"
        if isEnding { object("\(what) while everything ends") }
        if isShadow { object("\(what) as a shadow") }
        if book.isStoppedByPerson { object("\(what), though a person has stopped it") }
        if isDoubtful { object("\(what) while it doubts itself") }
        if book.isPaused, book.pausedUntil.map({ now < $0 }) ?? true { object("\(what) though its health is paused") }
        if book.givenUp.contains(condition) { object("\(what) after it gave up") }
        let windows = book.spec.health.actBetween
        let isInside =
            windows.isEmpty
            || windows.contains { window in
                window.from < window.to
                    ? (window.from..<window.to).contains(minute) : minute >= window.from || minute < window.to
            }
        if !isInside, incident.verdict.grade != .proven { object("\(what) outside act_between, minute \(minute)") }
        guard let body else { return object("\(what), which does not run") }
        if let shown = body.shownStoppedAt, let since = body.stoppedSince, shown >= since {
            object("\(what), stopped by a signal since \(since.nanoseconds / 1_000_000_000) s")
        }
        if body.shownInKernel > 0, body.isInKernel(at: now) {
            object("\(what), in state D, where no signal reaches it")
        }
        if !body.deserves(condition, book.spec.health, at: now) {
            object("\(what), which is \(body.kind) and ill from \(body.turnsAt.nanoseconds / 1_000_000_000) s on")
        }
        judgeSilence(condition, book, body, what)
    }

    /// Silence counts neither while Warden doubts itself nor while somebody holds the worker still.
    private mutating func judgeSilence(_ condition: Condition, _ book: Book, _ body: Body, _ what: String) {
        guard condition == .hung(.silent) || condition == .hung(.livelock) else { return }
        guard let timeout = book.spec.health.heartbeatTimeout else {
            return object("\(what) without heartbeat_timeout")
        }
        let known = [body.lastLineAt, doubtsEndedAt, body.shownStoppedAt].compactMap { $0 }.max() ?? body.lastLineAt
        if now - known < timeout {
            object("\(what) after \((now - known).inSeconds) s of silence that counts, of \(timeout.inSeconds) s")
        }
    }

    private mutating func judgeSeats(of name: SlotName) {
        guard let group = groups[name.group] else { return }
        let taken = books.values.count { $0.spec.name.group == group.name && $0.open != nil }
        let allowed: Int =
            switch group.maximumUnavailable {
            case .count(let count): max(1, count)
            case .percent(let percent): max(1, group.programs.count * percent / 100)
            }
        if taken > allowed { object("\(taken) of \(group.name) unavailable at once, \(allowed) allowed") }
    }

    private mutating func charge(_ condition: Condition, _ book: Book) {
        let name = book.spec.name
        let budget = book.spec.health.restartBudget
        let before = book.restarts[condition, default: []]
        let recent = before.filter { now - $0 < budget.within } + [now]
        if recent.count > budget.count {
            object("\(recent.count) restarts of \(name.qualified) for \(condition.name) within its budget's window")
        }
        if let last = before.last, now - last < book.spec.health.backoffFirst {
            object("\(name.qualified) was restarted again for \(condition.name) without any backoff")
        }
        books[name]?.restarts[condition] = recent
    }

    /// Three that fell within a minute: while one is being tried, no other is.
    private mutating func judgeSharedCause(_ incident: Incident, _ book: Book) {
        let condition = incident.verdict.condition
        if let aided = book.aidedAt, now - aided <= .seconds(2) { return }
        let window = Limits.sharedCauseWindow
        guard let own = book.verdict, own.condition == condition, now - own.since <= window else { return }
        let fallen = books.values.filter { other in
            guard let verdict = other.verdict, verdict.condition == condition else { return false }
            return now - verdict.since <= window && (other.living != nil || other.open != nil)
        }
        guard fallen.count >= Limits.sharedCauseWorkers else { return }
        for other in fallen where other.spec.name != book.spec.name {
            guard let open = other.open, open.condition == condition else { continue }
            object(
                "\(fallen.count) fell together (\(condition.name)): \(incident.worker.qualified) is restarted while "
                    + "\(other.spec.name.qualified) is being tried")
        }
    }

    mutating func posted(_ alert: Alert) {
        let incident = alert.incident
        switch alert.phase {
        case .opened where incident.action == .alert:
            books[incident.worker]?.openAlerts[incident.id] = incident.verdict.condition
        case .opened: break
        case .closed: books[incident.worker]?.openAlerts[incident.id] = nil
        case .resolved:
            if incident.outcome != .unhelped, incident.outcome != .gaveUp {
                object("\(incident.worker.qualified): incident \(incident.id) was over, and is resolved again")
            }
        }
    }

    // MARK: - In time

    /// Looks, now and then, at what should have happened.
    mutating func patrol(bodies: [SlotName: Body]) {
        for (name, book) in books.sorted(by: { $0.key < $1.key }) {
            // Whom it depends on may have been stopped by a person: then it waits.
            let canStart = needs(of: name).allSatisfy { other in
                books[other].map { $0.state == .running || $0.hasDoneItsWork } ?? true
            }
            if !canStart, book.respawnBy != nil { books[name]?.respawnBy = now + .seconds(900) }
            if canStart, let due = book.respawnBy, now > due {
                object("\(name.qualified) was not started again after its exit")
            }
            let health = book.spec.health
            if let open = book.open, bodies[name]?.isInKernel(at: now) != true,
                now - open.at > health.grace + health.recoverWithin + health.drainTimeout * 2 + .seconds(3 * 3600)
            {
                object("incident \(open.id) of \(name.qualified) has had no outcome for hours")
            }
            guard let body = bodies[name], body.isWell(at: now) else { continue }
            for (id, condition) in book.openAlerts where condition.className != "leaking" {
                object("alert \(id) (\(condition.name)) of \(name.qualified) is open, though it has long been well")
            }
        }
    }

    /// Faults have ceased long ago: whoever is ill has been dealt with, and whoever should run runs.
    mutating func judgeCalm(bodies: [SlotName: Body], since calm: Instant) {
        for (name, book) in books.sorted(by: { $0.key < $1.key }) {
            // It ended by itself since the last orders, and nobody wants it again.
            if book.state == .exited, book.respawnBy == nil { continue }
            // No signal reaches it yet, and its stop began before anybody could see that.
            if book.state == .stopping, let body = bodies[name], body.isInKernel(at: now) { continue }
            // Its hours have just come (act_between), and it does not hear its stop signal.
            if let open = book.open, now - open.at < .seconds(300) { continue }
            guard let body = bodies[name], book.state == .running else {
                object("\(name.qualified) is \(book.state.word) long after the last fault")
                continue
            }
            guard body.isIll(at: calm), !isShadow, book.open == nil else { continue }
            let health = book.spec.health
            let condition: Condition?
            switch body.kind {
            case .full: condition = .dark(.emfile)
            case .silent: condition = health.heartbeatTimeout == nil ? nil : .hung(.silent)
            case .spinning: condition = health.heartbeatTimeout == nil ? nil : .hung(.livelock)
            case .deadlocked: condition = .hung(.deadlock)
            case .bloated, .swelling: condition = .bloated(.rss)
            case .unanswering: condition = health.probe == .none ? nil : .dark(.probe)
            default: condition = nil
            }
            // What is not proven may wait for the hours of act_between, which may be longer than the calm.
            let isProven = body.kind == .full || body.kind == .deadlocked
            guard let condition, book.keptAsItIs.isEmpty, isProven || health.actBetween.isEmpty else { continue }
            object(
                "\(name.qualified) is \(body.kind) and was not acted on for \(condition.name) long after the last fault"
            )
        }
    }
}

extension Body {
    /// Well for so long that nobody can take it for ill any more.
    func isWell(at now: Instant) -> Bool {
        !isIll(at: now) && stoppedSince == nil && [.steady, .warming].contains(kind)
            && now - startedAt > .seconds(3 * 3600)
            && (shownStoppedAt.map { now - $0 > .seconds(3 * 3600) } ?? true)
    }
}
