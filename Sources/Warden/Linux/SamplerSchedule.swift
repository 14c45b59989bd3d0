package import WardenCore

/// The limits of the sampler.
package enum SamplerLimits {
    /// Orders that wait for the sampler.
    package static let orders = 65536
    /// The shortest time between two samples of a worker.
    package static let shortestInterval: Duration = .milliseconds(50)
    /// Samples fall due on multiples of this, so that a thousand workers are not a thousand wake-ups.
    package static let quantum: Duration = .milliseconds(50)
    /// The sampler turns at least this often.
    package static let longestWait: Duration = .seconds(1)
    /// A reading of one worker that takes longer means that something is stuck.
    package static let readDeadline: Duration = .seconds(5)
}

/// When each worker is sampled next: staggered, so that workers that were started together are not read together.
package struct SamplerSchedule {
    private struct Entry {
        var due: Instant
        var worker: WorkerID
        var interval: Duration
        /// Which addition of the worker it belongs to; older ones are ignored when they come up.
        var serial: UInt64
    }

    private var heap: [Entry] = []
    private var serials: [WorkerID: UInt64] = [:]
    private var nextSerial: UInt64 = 1

    /// Nothing to do.
    package init() {}

    /// When the next sample falls due; `nil` when there is nothing to sample. May be that of a worker that was removed.
    package var nextDue: Instant? { heap.first?.due }

    /// Adds a worker, or changes its interval.
    ///
    /// - Parameters:
    ///   - worker: whom.
    ///   - interval: time between samples, at least `SamplerLimits.shortestInterval`.
    ///   - instant: now.
    package mutating func add(_ worker: WorkerID, every interval: Duration, at instant: Instant) {
        let interval = max(interval, SamplerLimits.shortestInterval)
        serials[worker] = nextSerial
        // Multiples of the golden ratio spread any run of numbers evenly.
        let phase = (UInt64(worker.slot.number) &* 0x9E37_79B9_7F4A_7C15) >> 40
        let offset = Duration.nanoseconds(interval.inNanoseconds / (1 << 24) * Int64(phase))
        push(Entry(due: Self.rounded(instant + offset), worker: worker, interval: interval, serial: nextSerial))
        nextSerial += 1
    }

    /// Removes a worker. Nothing happens when it is not there.
    package mutating func remove(_ worker: WorkerID) {
        serials[worker] = nil
    }

    /// The next worker whose sample is due, if there is one; it falls due again an interval later.
    ///
    /// - Parameter instant: now.
    package mutating func popDue(at instant: Instant) -> WorkerID? {
        while let first = heap.first, first.due <= instant {
            var entry = first
            guard serials[entry.worker] == entry.serial else {
                removeFirst()
                continue
            }
            let following = entry.due + entry.interval
            // Samples that were missed (a suspended host) are not made up for.
            entry.due = following > instant ? following : Self.rounded(instant + entry.interval)
            heap[0] = entry
            sink(0)
            return entry.worker
        }
        return nil
    }

    private static func rounded(_ instant: Instant) -> Instant {
        let quantum = SamplerLimits.quantum.inNanoseconds
        let remainder = instant.nanoseconds % quantum
        return remainder <= 0 ? instant : instant + .nanoseconds(quantum - remainder)
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[index].due < heap[(index - 1) / 2].due {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        sink(0)
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].due < heap[least].due { least = child }
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
