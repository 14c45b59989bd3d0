internal import CWardenLinux
internal import Glibc
internal import WardenCore

/// The gate at which a child waits as its last step before execve(2).
///
/// The daemon opens it once it has put the child's pidfd where its successor finds it. Should the daemon die before,
/// the pipe ends, and so does the child: no program ever runs that nobody knows of, and nothing that it had inherited
/// (the listening sockets, the lock) stays open for longer.
///
/// A child that is being born holds copies of the gates that are not open yet, until its own execve(2): open one gate
/// before the next child is made, or a dead daemon's children end one after the other.
package struct SpawnGate: ~Copyable, Sendable {
    private let writer: Descriptor

    internal init(_ writer: consuming Descriptor) {
        self.writer = writer
    }

    /// Lets the child run its program. The time that it has for that is its report's, as without a gate.
    ///
    /// - Returns: false when the child is gone, which its exit tells.
    @discardableResult
    package consuming func open() -> Bool {
        // EPIPE is the only error that a pipe with room for its first byte knows.
        warden_open_gate(writer.rawValue) == 1
    }
}

extension SpawnGate {
    /// Both ends for a spawn; neither where no gate is wanted.
    internal struct Ends: ~Copyable {
        private var reader: Descriptor?
        private var writer: Descriptor?
        internal let numbers: (reader: CInt, writer: CInt)

        internal init(reader: CInt, writer: CInt) {
            numbers = (reader, writer)
            self.reader = reader < 0 ? nil : Descriptor(owning: reader)
            self.writer = writer < 0 ? nil : Descriptor(owning: writer)
        }

        /// The reading end is the child's alone from here on.
        internal consuming func takeGate() -> SpawnGate? {
            guard let writer = writer.take() else { return nil }
            return SpawnGate(writer)
        }
    }

    internal static func ends(isWanted: Bool) throws(SpawnFailure) -> Ends {
        if !isWanted { return Ends(reader: -1, writer: -1) }
        do throws(KernelFailure) {
            let (reader, writer) = try Pipe().takeEnds()
            return Ends(reader: reader, writer: writer)
        } catch {
            throw SpawnFailure(.pipe, error.errorNumber, subject: "")
        }
    }
}
