/// The last samples of one rule as bits: held, or not. A sample that was missed leaves no bit.
package struct RuleHistory: Hashable, Codable, Sendable {
    private(set) var bits: UInt64 = 0

    /// Nothing seen yet.
    package init() {}

    /// A sample was judged.
    package mutating func record(_ held: Bool) {
        bits = bits << 1 | (held ? 1 : 0)
    }

    /// Whether the rule held in N of the last M samples.
    package func isConfirmed(by confirm: HealthSpec.Confirmation) -> Bool {
        (bits & mask(confirm.window)).nonzeroBitCount >= confirm.needed
    }

    /// Whether the rule held in none of the last M samples: what was confirmed has ended.
    package func isRefuted(by confirm: HealthSpec.Confirmation) -> Bool {
        bits & mask(confirm.window) == 0
    }

    func mask(_ window: Int) -> UInt64 {
        window >= 64 ? .max : (1 << UInt64(max(1, window))) - 1
    }
}

/// A rule that was confirmed stays a candidate until it has not held for M samples in a row.
package struct Latch: Hashable, Codable, Sendable {
    private var isSet = false
    private var samplesSinceHeld = 0

    /// Not set.
    package init() {}

    /// The rule was judged.
    ///
    /// - Parameters:
    ///   - holds: it holds now, with all the confirmation that it needs.
    ///   - window: M of `confirm`.
    /// - Returns: whether it is a candidate for the verdict.
    package mutating func judge(_ holds: Bool, window: Int) -> Bool {
        if holds {
            isSet = true
            samplesSinceHeld = 0
        } else if isSet {
            samplesSinceHeld += 1
            if samplesSinceHeld >= window { isSet = false }
        }
        return isSet
    }
}
