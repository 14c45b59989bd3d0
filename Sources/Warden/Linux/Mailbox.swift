internal import CWardenLinux
internal import Glibc
internal import Synchronization
package import WardenCore

/// A bounded queue into one thread, which may have an eventfd that an epoll can wait for.
///
/// Any thread posts; the owner drains. A mailbox that no epoll waits for has no descriptor: the daemon has a dozen of
/// them, and it may be short of descriptors.
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
    /// For an epoll; `nil` when none waits for it.
    private let eventDescriptor: CInt?
    private let bell = Bell()

    /// - Parameters:
    ///   - capacity: elements it holds at most, at least 1.
    ///   - isPolled: an epoll waits for it.
    /// - Throws: EMFILE and ENFILE, from eventfd(2), when it is polled.
    package init(capacity: Int, isPolled: Bool = false) throws(KernelFailure) {
        precondition(capacity >= 1)
        self.capacity = capacity
        elements = Mutex([])
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        if isPolled {
            eventDescriptor = try Kernel.retry("make eventfd", "") { eventfd(0, flags) }
        } else {
            eventDescriptor = nil
        }
    }

    deinit {
        if let eventDescriptor { _ = Descriptor(owning: eventDescriptor) }
    }

    /// Readable while something waits to be drained (at times also when nothing does). For an epoll to watch; -1 when
    /// it was not made for one.
    package var readinessDescriptor: CInt { eventDescriptor ?? -1 }

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
        bell.silence()
        if let eventDescriptor {
            var count: UInt64 = 0
            _ = Glibc.read(eventDescriptor, &count, MemoryLayout<UInt64>.size)
        }
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
            if bell.wait(nanoseconds: timeout) { return true }
            // A signal, or the deadline.
            if let deadline, MonotonicClock.now() >= deadline { return false }
        }
    }

    private enum Added {
        case no, first, next
    }

    private func ring() {
        bell.ring()
        guard let eventDescriptor else { return }
        var one: UInt64 = 1
        // Fails only when the count is at its end, and then it rings already.
        _ = Glibc.write(eventDescriptor, &one, MemoryLayout<UInt64>.size)
    }
}

/// A word that threads wait for: futex(2).
private final class Bell: Sendable {
    /// Of a word that lives as long as this does. A number, because a pointer may not be shared.
    private let address: UInt

    init() {
        let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
        word.initialize(to: 0)
        address = UInt(bitPattern: word)
    }

    deinit { word?.deallocate() }

    func ring() { warden_bell_ring(word) }

    func silence() { warden_bell_silence(word) }

    /// - Returns: whether it rings.
    func wait(nanoseconds: Int64) -> Bool { warden_bell_wait(word, nanoseconds) != 0 }

    private var word: UnsafeMutablePointer<UInt32>? { UnsafeMutablePointer(bitPattern: address) }
}
