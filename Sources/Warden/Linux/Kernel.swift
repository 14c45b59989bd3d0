internal import CWardenLinux
internal import Glibc

/// A system call that failed: what was attempted, on what, and the errno.
package struct KernelFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, as a verb: `open`.
    package var operation: String
    /// The path or name that it was about; empty when there is none.
    package var subject: String
    /// The errno.
    package var errorNumber: Int32

    /// - Parameters:
    ///   - operation: what was attempted, as a verb.
    ///   - subject: the path or name that it was about; empty when there is none.
    ///   - errorNumber: the errno.
    package init(_ operation: String, _ subject: String, _ errorNumber: Int32) {
        self.operation = operation
        self.subject = subject
        self.errorNumber = errorNumber
    }

    /// `cannot open /x: No such file or directory`.
    package var description: String {
        let object = subject.isEmpty ? operation : "\(operation) \(subject)"
        return "cannot \(object): \(Kernel.text(of: errorNumber))"
    }
}

/// The common ways of calling the kernel.
package enum Kernel {
    /// An errno in words, as strerror(3) says it in English.
    package static func text(of errorNumber: Int32) -> String {
        guard let text = warden_error_text(errorNumber) else { return "Unknown error \(errorNumber)" }
        return String(cString: text)
    }

    /// Calls again while a signal interrupts.
    ///
    /// - Parameters:
    ///   - operation: what is attempted, as a verb.
    ///   - subject: the path or name that it is about.
    ///   - call: a call that answers -1 and sets `errno`.
    /// - Returns: what the call answered.
    /// - Throws: every errno but EINTR.
    @discardableResult
    package static func retry<Answer: SignedInteger>(
        _ operation: String, _ subject: @autoclosure () -> String, _ call: () -> Answer
    ) throws(KernelFailure) -> Answer {
        while true {
            let answer = call()
            if answer != -1 { return answer }
            let cause = errno
            if cause != EINTR { throw KernelFailure(operation, subject(), cause) }
        }
    }

    /// As `retry`, for calls that would have to wait.
    ///
    /// - Parameters:
    ///   - operation: what is attempted, as a verb.
    ///   - subject: the path or name that it is about.
    ///   - call: a call that answers -1 and sets `errno`.
    /// - Returns: `nil` on EAGAIN.
    /// - Throws: every errno but EINTR and EAGAIN.
    package static func retryUnlessEmpty<Answer: SignedInteger>(
        _ operation: String, _ subject: @autoclosure () -> String, _ call: () -> Answer
    ) throws(KernelFailure) -> Answer? {
        while true {
            let answer = call()
            if answer != -1 { return answer }
            let cause = errno
            if cause == EAGAIN { return nil }
            if cause != EINTR { throw KernelFailure(operation, subject(), cause) }
        }
    }

    /// Turns the answer of a C shim, a negative errno, into an error.
    ///
    /// - Parameters:
    ///   - operation: what was attempted, as a verb.
    ///   - subject: the path or name that it was about.
    ///   - answer: what the shim answered.
    /// - Returns: the answer, 0 or more.
    /// - Throws: the errno of a negative answer.
    @discardableResult
    package static func check(
        _ operation: String, _ subject: @autoclosure () -> String, _ answer: Int
    ) throws(KernelFailure) -> Int {
        if answer < 0 { throw KernelFailure(operation, subject(), Int32(truncatingIfNeeded: -answer)) }
        return answer
    }
}
