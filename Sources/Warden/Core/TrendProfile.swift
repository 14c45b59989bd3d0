/// What a generation's floors were at the ages 1, 2, 4, 8 … minutes: enough to lay one life beside another.
package struct TrendProfile: Hashable, Codable, Sendable {
    /// The lowest readings between half an age and that age.
    package struct Floor: Hashable, Codable, Sendable {
        /// Descriptors of the process with the least headroom.
        package var descriptors: Int32 = .max
        /// Resident bytes.
        package var memoryBytes: Int64 = .max
    }

    /// Ages that are remembered: up to 32 days at the default interval, then the last one stays open.
    private static let levels = 16

    /// The floors of the ages that have passed.
    package private(set) var closed: [Floor] = []
    private var open = Floor()
    private var closesAfter: Duration
    private let startedAt: Instant

    /// - Parameters:
    ///   - interval: time between samples. The first age is 12 of them: a minute by default.
    ///   - startedAt: when the generation was started.
    package init(interval: Duration, startedAt: Instant) {
        closesAfter = max(interval, .milliseconds(1)) * 12
        self.startedAt = startedAt
    }

    /// A profile as it was recorded, of which only the floors are left.
    init(closed: [Floor]) {
        self.closed = closed
        closesAfter = .zero
        startedAt = .origin
    }

    /// A sample was read.
    ///
    /// - Returns: whether an age has passed.
    package mutating func record(descriptors: Int?, memoryBytes: Int64, at instant: Instant) -> Bool {
        var isPassed = false
        while instant - startedAt > closesAfter, closed.count < TrendProfile.levels {
            closed.append(open)
            open = Floor()
            closesAfter = closesAfter * 2
            isPassed = true
        }
        if let descriptors { open.descriptors = min(open.descriptors, Int32(clamping: descriptors)) }
        open.memoryBytes = min(open.memoryBytes, memoryBytes)
        return isPassed
    }

    /// The floors of one series at the ages that have passed; `nil` where nothing was read.
    func floors(of leak: Condition.Leak) -> [Int64?] {
        closed.map { floor in
            switch leak {
            case .fds: floor.descriptors == .max ? nil : Int64(floor.descriptors)
            case .rss: floor.memoryBytes == .max ? nil : floor.memoryBytes
            }
        }
    }
}
