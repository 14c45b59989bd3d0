internal import CWardenLinux
internal import Glibc
internal import Synchronization
package import WardenCore

/// A bounded queue into one thread, with an eventfd that an epoll can wait for.
///
/// Any thread posts; the owner drains.
package final class Mailbox<Element: Sendable>: Sendable {
    /// What came of a post.
    package enum Posting: Hashable, Sendable {
        /// It is in the queue.
        case accepted
        /// The queue is at its capacity; the element was not taken.
        case full
    }

    /// How many elements it holds at most.
    package let capacity: Int
    private let elements: Mutex<[Element]>
    private let bell: Descriptor

    /// - Parameter capacity: elements it holds at most, at least 1.
    /// - Throws: EMFILE and ENFILE, from eventfd(2).
    package init(capacity: Int) throws(KernelFailure) {
        precondition(capacity >= 1)
        self.capacity = capacity
        elements = Mutex([])
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        bell = Descriptor(owning: try Kernel.retry("make eventfd", "") { eventfd(0, flags) })
    }

    /// Readable while something waits to be drained (at times also when nothing does). For an epoll to watch.
    package var readinessDescriptor: CInt { bell.rawValue }

    /// Appends, unless it is full.
    package func post(_ element: sending Element) -> Posting {
        let added = elements.withLock { elements in
            if elements.count >= capacity { return Added.no }
            elements.append(element)
            return elements.count == 1 ? .first : .next
        }
        if added == .first { ring() }
        return added == .no ? .full : .accepted
    }

    /// Appends, at the expense of the oldest element when it is full.
    ///
    /// - Returns: the element that made room, or `nil`.
    @discardableResult
    package func postNewest(_ element: sending Element) -> Element? {
        let (dropped, isFirst) = elements.withLock { elements -> (Element?, Bool) in
            let dropped = elements.count >= capacity ? elements.removeFirst() : nil
            elements.append(element)
            return (dropped, elements.count == 1 && dropped == nil)
        }
        if isFirst { ring() }
        return dropped
    }

    /// Takes everything out, oldest first.
    package func drain() -> [Element] {
        // The bell is silenced first. An element that comes between the two lines is taken by the second, and rings for
        // nothing; the other way round it would be left without a ring.
        var count: UInt64 = 0
        _ = Glibc.read(bell.rawValue, &count, MemoryLayout<UInt64>.size)
        return elements.withLock { elements in
            defer { elements = [] }
            return elements
        }
    }

    /// Blocks until something can be drained.
    ///
    /// - Parameter deadline: when to give up; `nil` never does.
    /// - Returns: false at the deadline.
    package func wait(until deadline: Instant?) -> Bool {
        while true {
            let timeout = deadline.map { max(0, ($0 - MonotonicClock.now()).inNanoseconds) } ?? -1
            let answer = warden_wait_readable(bell.rawValue, timeout)
            if answer > 0 { return true }
            if answer == 0 { return false }
        }
    }

    private enum Added {
        case no, first, next
    }

    private func ring() {
        var one: UInt64 = 1
        // Fails only when the count is at its end, and then it rings already.
        _ = Glibc.write(bell.rawValue, &one, MemoryLayout<UInt64>.size)
    }
}
