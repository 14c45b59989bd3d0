/// Several workers that turn bad in the same way at the same time: not they are to blame, but what they share.
///
/// Restarting them all would help nobody, and would lose what they still hold. So one goes first, the canary; the
/// others go on one by one when it has recovered, and are left alone when it has not. It is asked before every action
/// of Warden's own, across groups. Pure: it knows no time but what it is told.
package struct CorrelationGuard: Hashable, Codable, Sendable {
    /// May this worker be acted on now?
    package enum Permission: Hashable, Sendable {
        /// Yes: nothing is shared, or it is the canary.
        case go
        /// Yes, and nobody needs to be told: the canary has recovered, and this is one of those behind it.
        case follow
        /// No: another goes first, or has failed.
        case wait
    }

    /// How far a suspicion has got.
    package enum Stage: Hashable, Codable, Sendable {
        /// The canary goes first. To: proceeding, held.
        case testing
        /// It has recovered: the others go, one by one. To: held.
        case proceeding
        /// It has not: only the canary itself goes on, by its own budget. To: proceeding; testing, after a while.
        case held
    }

    /// Several workers with one condition.
    package struct Suspicion: Hashable, Codable, Sendable {
        /// How far it has got.
        package internal(set) var stage = Stage.testing
        /// Who goes first; `nil` when whoever asks next does.
        package internal(set) var canary: SlotID?
        /// Who is being acted on: one, and whoever was begun with before anything was suspected.
        package internal(set) var acting: Set<SlotID>
        /// Everybody whom it is about.
        package internal(set) var members: Set<SlotID>
        /// Those behind a canary that is well again wait until then: what made it well may make them well.
        package internal(set) var followsFrom: Instant?
        /// Until then nobody else is tried: once held is not held for ever, or the next cause would find nobody to act.
        package internal(set) var heldUntil: Instant?
    }

    private struct Fall: Hashable, Codable, Sendable {
        var slot: SlotID
        var group: String
        var groupSize: Int
        var at: Instant
        /// It is to be acted on. Whoever may only be told of is a witness, and no member of a suspicion.
        var asks = false
        var hasBegun = false
    }

    /// Within this time workers fall together; `nil`: never suspect anything.
    package var window: Duration?
    /// What is suspected now.
    package private(set) var suspicions: [Condition: Suspicion] = [:]
    private var falls: [Condition: [Fall]] = [:]

    /// Whoever fell first is the canary, whether or not something was begun for it.
    private let isFirstCanary: Bool

    /// - Parameters:
    ///   - window: `shared_cause`.
    ///   - isFirstCanary: whoever fell first is the canary: for telling, which needs no beginning.
    package init(window: Duration? = Limits.sharedCauseWindow, isFirstCanary: Bool = false) {
        self.window = window
        self.isFirstCanary = isFirstCanary
    }

    /// Whether a worker that turned bad may be acted on, or told of.
    ///
    /// - Parameters:
    ///   - slot: the worker.
    ///   - group: its group.
    ///   - groupSize: workers in that group of which something is known.
    ///   - condition: what is wrong with it.
    ///   - since: when that began.
    ///   - now: the time.
    package mutating func permission(
        of slot: SlotID, group: String, groupSize: Int, for condition: Condition, since: Instant, at now: Instant
    ) -> Permission {
        guard let window else { return .go }
        note(Fall(slot: slot, group: group, groupSize: groupSize, at: since, asks: true), condition, window, at: now)
        guard var suspicion = suspicions[condition] ?? suspect(condition, group, window, at: now) else { return .go }
        suspicion.members.insert(slot)
        defer { suspicions[condition] = suspicion }
        if suspicion.stage == .held, let until = suspicion.heldUntil, now >= until {
            suspicion.stage = .testing
            suspicion.canary = nil
        }
        switch suspicion.stage {
        case .testing, .held:
            if suspicion.canary == nil, let from = suspicion.followsFrom, now < from { return .wait }
            if suspicion.canary == nil { suspicion.canary = suspicion.acting.min() ?? slot }
            return suspicion.canary == slot ? .go : .wait
        case .proceeding where suspicion.followsFrom.map { now < $0 } ?? false: return .wait
        case .proceeding: return suspicion.acting.subtracting([slot]).isEmpty ? .follow : .wait
        }
    }

    /// A worker turned bad. Whether it may be acted on or not, it is a witness when others turn bad in the same way.
    ///
    /// - Parameters: as `permission`'s.
    package mutating func fell(
        _ slot: SlotID, group: String, groupSize: Int, for condition: Condition, since: Instant, at now: Instant
    ) {
        guard let window else { return }
        note(Fall(slot: slot, group: group, groupSize: groupSize, at: since), condition, window, at: now)
    }

    /// An action began.
    package mutating func began(_ slot: SlotID, _ condition: Condition) {
        suspicions[condition]?.acting.insert(slot)
        guard let index = falls[condition]?.firstIndex(where: { $0.slot == slot }) else { return }
        falls[condition]?[index].hasBegun = true
    }

    /// What was begun is over.
    ///
    /// - Parameters:
    ///   - slot: the worker.
    ///   - condition: what it was begun for.
    ///   - outcome: how it ended.
    ///   - followsFrom: when it has recovered, the others may be acted on from then on.
    ///   - now: the time.
    package mutating func ended(
        _ slot: SlotID, _ condition: Condition, _ outcome: Outcome, followsFrom: Instant, at now: Instant
    ) {
        if let index = falls[condition]?.firstIndex(where: { $0.slot == slot }) {
            falls[condition]?[index].hasBegun = false
        }
        guard var suspicion = suspicions[condition] else { return }
        suspicion.acting.remove(slot)
        switch outcome {
        case .recovered:
            suspicion.stage = .proceeding
            suspicion.canary = nil
            suspicion.followsFrom = followsFrom
            suspicion.members.remove(slot)
        case .unhelped, .gaveUp:
            // What was begun before anything was suspected says nothing of the one that is being tried now.
            guard suspicion.canary == slot || suspicion.acting.isEmpty else { break }
            suspicion.stage = .held
            suspicion.canary = slot
            suspicion.heldUntil = now + Limits.sharedCauseRetry
        case .superseded:
            // A person took it out of our hands: it says nothing, and another goes first.
            if suspicion.canary == slot { suspicion.canary = nil }
            suspicion.members.remove(slot)
        }
        suspicions[condition] = suspicion.members.isEmpty ? nil : suspicion
    }

    /// A worker is not bad in this way any more, or is gone, without anything having been done.
    ///
    /// - Parameters:
    ///   - slot: the worker.
    ///   - followsFrom: it is well by itself. If it was the canary, then the cause may be gone for all, and nobody is
    ///     tried in its place before then, whatever its restart has said. `nil`: it says nothing of the others.
    package mutating func left(_ slot: SlotID, followsFrom: Instant? = nil) {
        for (condition, var suspicion) in suspicions where suspicion.members.contains(slot) {
            // Its own restart is under way: that will have an outcome.
            if suspicion.acting.contains(slot) { continue }
            suspicion.members.remove(slot)
            if suspicion.canary == slot {
                suspicion.canary = nil
                if let followsFrom {
                    suspicion.stage = .testing
                    suspicion.followsFrom = followsFrom
                }
            }
            suspicions[condition] = suspicion.members.isEmpty ? nil : suspicion
        }
    }

    /// A person commands: whatever was held for this slot is theirs to decide.
    package mutating func forget(_ slot: SlotID) {
        for condition in falls.keys { falls[condition]?.removeAll { $0.slot == slot } }
        for condition in suspicions.keys { suspicions[condition]?.acting.remove(slot) }
        left(slot)
    }

    /// Whether anything is suspected or remembered: the way of nearly all samples is that there is not.
    package var isIdle: Bool { suspicions.isEmpty && falls.isEmpty }

    private mutating func note(_ fall: Fall, _ condition: Condition, _ window: Duration, at now: Instant) {
        var list = falls[condition] ?? []
        list.removeAll { now - $0.at > window && !$0.hasBegun }
        // When it began is what counts: whoever has been bad for long does not fall with those who fall now.
        if let known = list.firstIndex(where: { $0.slot == fall.slot }) {
            if fall.asks { list[known].asks = true }
            list[known].at = max(list[known].at, fall.at)
        } else if now - fall.at <= window, list.count < Limits.slots {
            list.append(fall)
        }
        falls[condition] = list.isEmpty ? nil : list
    }

    /// Three anywhere, or two that are more than half of their group: fewer fall together by chance too often, and more
    /// would leave a group of three to be restarted whole.
    private func suspect(_ condition: Condition, _ group: String, _ window: Duration, at now: Instant) -> Suspicion? {
        let recent = (falls[condition] ?? []).filter { now - $0.at <= window }
        let here = recent.filter { $0.group == group }
        let size = here.last?.groupSize ?? 0
        guard recent.count >= Limits.sharedCauseWorkers || here.count >= 2 && here.count * 2 > size else { return nil }
        let acting = recent.filter(\.hasBegun).map(\.slot)
        let first = isFirstCanary ? recent.first?.slot : nil
        return Suspicion(
            canary: acting.first ?? first, acting: Set(acting), members: Set(recent.filter(\.asks).map(\.slot)))
    }
}
