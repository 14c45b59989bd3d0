/// What a worker's health can be: `class/cause`, in which only the pairs that exist can be written.
package enum Condition: Hashable, Codable, Sendable {
    /// What leaks.
    package enum Leak: String, Hashable, Codable, Sendable, CaseIterable {
        case fds, rss
    }

    /// Why a worker that is alive and logging does nothing useful.
    package enum Darkness: String, Hashable, Codable, Sendable, CaseIterable {
        case emfile, errors, probe
    }

    /// Why a worker does not move.
    package enum Hang: String, Hashable, Codable, Sendable, CaseIterable {
        case silent, noProgress = "no-progress", deadlock, livelock, uninterruptible
    }

    /// What is too large.
    package enum Bloat: String, Hashable, Codable, Sendable, CaseIterable {
        case rss
    }

    /// Who holds the worker still.
    package enum Pause: String, Hashable, Codable, Sendable, CaseIterable {
        case stopped, traced, frozen
    }

    /// Why nothing can be said.
    package enum Blindness: String, Hashable, Codable, Sendable, CaseIterable {
        case unreadable, leftOver = "left-over"
    }

    /// Within its grace; only proven verdicts count.
    case starting
    /// Alive, and nothing below applies.
    case healthy
    /// Works now, but will exhaust something.
    case leaking(Leak)
    /// Alive and logging, but failing.
    case dark(Darkness)
    /// Not moving.
    case hung(Hang)
    /// Over its memory limit.
    case bloated(Bloat)
    /// Held still from outside; reported, never acted on.
    case paused(Pause)
    /// Not visible, or not to be touched; never acted on.
    case unknown(Blindness)

    /// The class, as people and programs read it.
    package var className: String {
        switch self {
        case .starting: "starting"
        case .healthy: "healthy"
        case .leaking: "leaking"
        case .dark: "dark"
        case .hung: "hung"
        case .bloated: "bloated"
        case .paused: "paused"
        case .unknown: "unknown"
        }
    }

    /// The cause, as people and programs read it; `nil` for starting and healthy.
    package var causeName: String? {
        switch self {
        case .starting, .healthy: nil
        case .leaking(let cause): cause.rawValue
        case .dark(let cause): cause.rawValue
        case .hung(let cause): cause.rawValue
        case .bloated(let cause): cause.rawValue
        case .paused(let cause): cause.rawValue
        case .unknown(let cause): cause.rawValue
        }
    }

    /// `class/cause`, or the class alone.
    package var name: String {
        causeName.map { "\(className)/\($0)" } ?? className
    }

    /// Every condition, in order of precedence: the first that holds is the verdict.
    package static let precedence: [Condition] = [
        .unknown(.unreadable), .unknown(.leftOver), .paused(.frozen), .paused(.traced), .paused(.stopped),
        .dark(.emfile), .hung(.deadlock), .bloated(.rss), .dark(.probe), .hung(.uninterruptible), .hung(.livelock),
        .hung(.silent), .hung(.noProgress), .dark(.errors), .leaking(.fds), .leaking(.rss), .starting, .healthy,
    ]

    /// - Parameters:
    ///   - className: one of the class names.
    ///   - causeName: one of its causes, or `nil` where the class has none.
    /// - Returns: `nil` when there is no such pair.
    package init?(className: String, causeName: String?) {
        let match = Condition.precedence.first { $0.className == className && $0.causeName == causeName }
        guard let match else { return nil }
        self = match
    }
}

/// How sure a verdict is.
package enum Grade: String, Hashable, Codable, Sendable, Comparable {
    case weak, strong, proven

    private var rank: Int {
        switch self {
        case .weak: 0
        case .strong: 1
        case .proven: 2
        }
    }

    package static func < (left: Grade, right: Grade) -> Bool { left.rank < right.rank }
}

/// A number or a text inside a piece of evidence.
package enum EvidenceValue: Hashable, Codable, Sendable {
    /// A number, as measured.
    case number(Double)
    /// A text.
    case text(String)
}

/// One reason for a verdict: a rule, what was seen, and the line that it crossed.
package struct Evidence: Hashable, Codable, Sendable {
    /// The rule's name, such as `free_descriptors`.
    package var rule: String
    /// What was seen.
    package var value: EvidenceValue
    /// The line that was crossed.
    package var threshold: EvidenceValue

    /// - Parameters: as the properties of the same names.
    package init(rule: String, value: EvidenceValue, threshold: EvidenceValue) {
        self.rule = rule
        self.value = value
        self.threshold = threshold
    }
}

/// What we believe of a worker. The one value that status line, JSON, history, alert and log are made from.
package struct Verdict: Hashable, Codable, Sendable {
    /// Class and cause.
    package var condition: Condition
    /// How sure.
    package var grade: Grade
    /// When this class and cause began.
    package var since: Moment
    /// Why; empty for starting and healthy.
    package var evidence: [Evidence]
    /// The evidence in one line for a person: `253 of 256 descriptors used, 12 EMFILE lines, no progress for 40s`.
    package var reason: String
    /// People are told, and no more, whatever the configured action: what was learned may be wrong.
    package var isAdvisory = false

    /// - Parameters: as the properties of the same names.
    package init(condition: Condition, grade: Grade, since: Moment, evidence: [Evidence], reason: String) {
        self.condition = condition
        self.grade = grade
        self.since = since
        self.evidence = evidence
        self.reason = reason
    }
}
