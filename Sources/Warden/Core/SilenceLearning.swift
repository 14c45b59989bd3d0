/// How long a worker is silent when it is well, learned from its own lines; for workers without `heartbeat_timeout`.
package struct SilenceLearning: Hashable, Codable, Sendable {
    private var lastWindow: Int64 = -1
    private var windowsInARow = 0
    private var isArmed = false
    private var longestGap: Duration = .zero

    /// Nothing learned.
    package init() {}

    /// Life showed.
    ///
    /// - Parameters:
    ///   - age: since the worker's start.
    ///   - gap: since life last showed or clocks were held; `nil` for the first time.
    package mutating func beat(age: Duration, gap: Duration?) {
        if let gap { longestGap = max(longestGap, gap) }
        if isArmed { return }
        let window = age.inNanoseconds / Limits.learningWindow.inNanoseconds
        guard window != lastWindow else { return }
        windowsInARow = window == lastWindow + 1 ? windowsInARow + 1 : 1
        lastWindow = window
        isArmed = windowsInARow >= Limits.learningWindows
    }

    /// Silence of this length is out of the ordinary; `nil` before three windows in a row had lines.
    package var limit: Duration? {
        isArmed ? max(longestGap * Limits.learnedGapFactor, Limits.learnedSilenceFloor) : nil
    }
}
