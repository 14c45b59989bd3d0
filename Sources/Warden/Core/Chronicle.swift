/// What happened to a slot's verdicts lately, in the order in which it did: the causal line of `why`.
package struct Chronicle: Hashable, Codable, Sendable {
    /// What kind of thing happened.
    package enum Kind: String, Hashable, Codable, Sendable {
        /// A generation was started.
        case start
        /// What is believed changed.
        case verdict
        /// Warden decided: it acts, alerts, or gives up.
        case decision
        /// Warden would act, and does not yet.
        case hold
        /// What came of an action is known.
        case outcome
        /// A person's word about health: a pause, its end, a drill.
        case order
    }

    /// One thing that happened.
    package struct Entry: Hashable, Codable, Sendable {
        /// When.
        package var at: WallTime
        /// What kind of thing.
        package var kind: Kind
        /// In words.
        package var text: String

        /// - Parameters: as the properties of the same names.
        package init(at: WallTime, kind: Kind, text: String) {
            self.at = at
            self.kind = kind
            self.text = text
        }
    }

    /// Oldest first, at most `Limits.chronicleEntries`.
    package private(set) var entries: [Entry] = []

    /// Nothing happened yet.
    package init() {}

    /// It happened. A hold that is told again is not news.
    mutating func note(_ kind: Kind, _ text: String, at now: Moment) {
        if kind == .hold, let last = entries.last, last.kind == .hold, last.text == text { return }
        if entries.count >= Limits.chronicleEntries { entries.removeFirst() }
        entries.append(Entry(at: now.wall, kind: kind, text: text))
    }
}

/// What would change a verdict or a decision, and when if that is known.
package struct Outlook: Hashable, Sendable {
    /// `would be hung/silent if no line comes`.
    package var text: String
    /// When; `nil` where no clock says.
    package var at: WallTime?

    /// - Parameters: as the properties of the same names.
    package init(_ text: String, at: WallTime? = nil) {
        self.text = text
        self.at = at
    }
}

/// How a slot's verdict stands: what is done about it, what is in the way, what would change it.
package struct Standing: Hashable, Sendable {
    /// What the configuration says is done, and what Warden does now.
    package var decision = ""
    /// Why nothing more is done.
    package var heldBackBy: [String] = []
    /// Rules that hold in some samples and not yet in enough: `fd_dark in 2 of the last 5 samples, 3 are needed`.
    package var unconfirmed: [String] = []
    /// What would change it.
    package var outlook: [Outlook] = []
    /// What happened lately, oldest first.
    package var timeline: [Chronicle.Entry] = []

    /// Nothing to say.
    package init() {}
}

extension RuleHistory {
    /// In how many of the last M samples the rule held.
    func held(within window: Int) -> Int { (bits & mask(window)).nonzeroBitCount }
}
