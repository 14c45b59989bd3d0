import WardenCore

/// What will happen, soonest first; among equals, what was scheduled first. Quiet time costs nothing.
struct EventHeap<Payload> {
    private struct Entry {
        var at: Instant
        var order: UInt64
        var payload: Payload
    }

    private var entries: [Entry] = []
    private var nextOrder: UInt64 = 0

    var nextAt: Instant? { entries.first?.at }

    mutating func schedule(_ payload: Payload, at instant: Instant) {
        entries.append(Entry(at: instant, order: nextOrder, payload: payload))
        nextOrder += 1
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isEarlier(child, parent) else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst() -> (at: Instant, payload: Payload)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (first.at, first.payload)
    }

    /// Forgets what is not to happen any more.
    mutating func removeAll(where isOver: (Payload) -> Bool) {
        let rest = entries.filter { !isOver($0.payload) }.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
        // What is sorted is a heap.
        entries = rest
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && isEarlier(child, smallest) {
                smallest = child
            }
            if smallest == parent { return }
            entries.swapAt(parent, smallest)
            parent = smallest
        }
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        (entries[left].at, entries[left].order) < (entries[right].at, entries[right].order)
    }
}
