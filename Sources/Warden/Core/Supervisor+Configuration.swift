extension Supervisor {
    /// The configuration was read, as a client or a signal had asked.
    mutating func configurationLoaded(
        _ result: Result<[GroupSpec], ConfigurationRefusal>, for request: RequestID?, at now: Moment
    ) {
        if let position = restartsToValidate.firstIndex(of: request) {
            restartsToValidate.remove(at: position)
            validated(result, for: request, at: now)
            return
        }
        switch result {
        case .failure(let refusal):
            directives.append(.log(LogRecord(.error, "configuration not taken: \(refusal.text)")))
            if let request { directives.append(.reply(request, .refused(.cannotReread(refusal.text)))) }
        case .success(let groups):
            newest = groups
            // It has no errors any more: what was left out is now a group that can be added.
            isStatusStale = isStatusStale || !refused.isEmpty
            refused = []
            if let request { directives.append(.reply(request, differences())) }
        }
    }

    /// A restart of the daemon goes on only with a configuration that is good.
    private mutating func validated(
        _ result: Result<[GroupSpec], ConfigurationRefusal>, for request: RequestID?, at now: Moment
    ) {
        // A shutdown that was asked for meanwhile is not turned into a restart.
        guard mood == .running else {
            if let request { directives.append(.reply(request, .refused(.shuttingDown))) }
            return
        }
        switch result {
        case .failure(let refusal):
            directives.append(.log(LogRecord(.error, "restart refused, configuration not good: \(refusal.text)")))
            if let request { directives.append(.reply(request, .refused(.cannotReread(refusal.text)))) }
        case .success:
            if let request { directives.append(.reply(request, .done)) }
            beginEnding(.restart, at: now)
        }
    }

    /// What the newest configuration changes: groups that are new, that differ, and that are gone.
    private func differences() -> Reply {
        let names = Set(newest.map(\.name))
        // As in supervisord: what comes and what changes in the order of starting, what goes in that of its coming.
        let wanted = newest.sorted { ($0.priority, $0.name) < ($1.priority, $1.name) }
        let added = wanted.filter { groups[$0.name] == nil }.map(\.name)
        let changed = wanted.filter { spec in groups[spec.name].map { $0.spec != spec } ?? false }.map(\.name)
        let removed = groups.values.filter { !names.contains($0.spec.name) }.sorted {
            ($0.slots.first?.number ?? 0, $0.spec.name) < ($1.slots.first?.number ?? 0, $1.spec.name)
        }
        return .differences(added: added, changed: changed, removed: removed.map(\.spec.name))
    }

    /// A group of the newest configuration becomes active.
    mutating func addGroup(_ name: String, for request: RequestID, at now: Moment) {
        guard groups[name] == nil else {
            directives.append(.reply(request, .refused(.alreadyAdded(name))))
            return
        }
        guard let group = newest.first(where: { $0.name == name }) else {
            directives.append(.reply(request, .refused(.badName(name))))
            return
        }
        activate(group)
        announce(.groupAdded(name))
        directives.append(.reply(request, .done))
        autostartMembers(of: name, at: now)
    }

    private mutating func autostartMembers(of name: String, at now: Moment) {
        for id in groups[name]?.slots ?? [] {
            // A slot that ran before its configuration changed is started again by that change.
            let ranBefore = slots[id].map { $0.earlierStarts > 0 } ?? false
            autostart(id, reason: ranBefore ? .configuration : nil, at: now)
        }
    }

    /// The slots of a group whose workers have to be stopped for the newest configuration.
    func outdated(_ group: Group) -> [SlotID] {
        let kept = kept(of: group)
        return group.slots.filter { id in slots[id].map { kept[$0.spec.name] == nil } ?? false }
    }

    /// The slots of a group that are in the newest configuration as they are, but for what health means for them.
    private func kept(of group: Group) -> [SlotName: SlotID] {
        guard let wanted = newest.first(where: { $0.name == group.spec.name }) else { return [:] }
        // What a pool has buffered for its listeners belongs to the pool as a whole.
        guard wanted == group.spec || wanted.pool == nil && group.spec.pool == nil else { return [:] }
        let specs = Dictionary(wanted.programs.map { ($0.name, $0) }) { first, _ in first }
        var kept: [SlotName: SlotID] = [:]
        for id in group.slots {
            guard let slot = slots[id], let spec = specs[slot.spec.name], slot.spec.canBecome(spec) else { continue }
            kept[slot.spec.name] = id
        }
        return kept
    }

    /// A group becomes what the newest configuration says; what is as it was goes on running.
    mutating func updateGroup(_ name: String, for request: RequestID, at now: Moment) {
        guard let group = groups[name], let wanted = newest.first(where: { $0.name == name }) else {
            directives.append(.reply(request, .refused(.badName(name))))
            return
        }
        guard wanted != group.spec else {
            directives.append(.reply(request, .updated(kept: wanted.programs.map(\.name))))
            return
        }
        guard outdated(group).allSatisfy({ slots[$0]?.isDown ?? true }) else {
            directives.append(.reply(request, .refused(.stillRunning(name))))
            return
        }
        let kept = kept(of: group)
        deactivate(name, keeping: kept)
        // A group of which something still runs has not gone.
        if kept.isEmpty { announce(.groupRemoved(name)) }
        activate(wanted, keeping: kept)
        if kept.isEmpty { announce(.groupAdded(name)) }
        for program in wanted.programs {
            guard let id = kept[program.name] else { continue }
            _ = withSlot(id) { $0.retune(program) }
            note(.retuned, of: id, at: now)
        }
        let names = wanted.programs.map(\.name).filter { kept[$0] != nil }
        directives.append(.reply(request, .updated(kept: names)))
        autostartMembers(of: name, at: now)
    }

    /// A group goes, if nothing of it runs.
    mutating func removeGroup(_ name: String, for request: RequestID) {
        guard let group = groups[name] else {
            directives.append(.reply(request, .refused(.badName(name))))
            return
        }
        guard group.slots.allSatisfy({ slots[$0]?.isDown ?? true }) else {
            directives.append(.reply(request, .refused(.stillRunning(name))))
            return
        }
        deactivate(name)
        announce(.groupRemoved(name))
        directives.append(.reply(request, .done))
    }
}
