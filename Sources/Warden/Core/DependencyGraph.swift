/// Who waits for whom: `depends_on` of every slot, resolved to the slots that bear the names.
///
/// Edges go by name and not from slot to slot, so that a group of a thousand that depends on a group of a thousand is
/// two thousand entries and not a million.
struct DependencyGraph: Hashable, Codable, Sendable {
    /// The names that each slot depends on.
    private(set) var needs: [SlotID: [String]] = [:]
    /// The slots of each name that somebody depends on: of the program and of the group so called.
    private(set) var members: [String: [SlotID]] = [:]
    /// The slots that depend on each name.
    private(set) var dependents: [String: [SlotID]] = [:]
    /// The names that each slot bears, of those that somebody depends on.
    private(set) var names: [SlotID: [String]] = [:]

    /// Nobody depends on anything.
    init() {}

    /// - Parameter slots: every slot, in the order of starting.
    init(_ slots: [(id: SlotID, spec: ProgramSpec)]) {
        for (id, spec) in slots where !spec.supervision.dependsOn.isEmpty {
            needs[id] = spec.supervision.dependsOn
            for name in spec.supervision.dependsOn { dependents[name, default: []].append(id) }
        }
        guard !needs.isEmpty else { return }
        for (id, spec) in slots {
            for name in Set([spec.program, spec.name.group]) where dependents[name] != nil {
                members[name, default: []].append(id)
                names[id, default: []].append(name)
            }
        }
    }

    var isEmpty: Bool { needs.isEmpty }

    /// Those that the slots depend on, the deepest first, each once, without the slots themselves.
    func prerequisites(of ids: [SlotID]) -> [SlotID] {
        var found: [SlotID] = []
        // A cycle is refused where the configuration is read; here it must only not go on for ever.
        var seen = Set(ids)
        for id in ids { collect(id, &seen, &found) }
        return found
    }

    private func collect(_ id: SlotID, _ seen: inout Set<SlotID>, _ found: inout [SlotID]) {
        for other in (needs[id] ?? []).flatMap({ members[$0] ?? [] }) where seen.insert(other).inserted {
            collect(other, &seen, &found)
            found.append(other)
        }
    }

    /// The slots and all that depend on them, however far away.
    func withDependents(_ ids: [SlotID]) -> Set<SlotID> {
        var all = Set(ids)
        var rest = ids
        while let id = rest.popLast() {
            for name in names[id] ?? [] {
                for other in dependents[name] ?? [] where all.insert(other).inserted { rest.append(other) }
            }
        }
        return all
    }
}
