package import WardenCore

/// A line of /proc/PID/task/TID/syscall: the system call in which a thread waits, and its arguments.
package struct SystemCall: Hashable, Sendable {
    /// The processors whose numbers are known.
    package enum Architecture: Hashable, Sendable, CaseIterable {
        case x86
        case arm

        /// This machine's; `nil` where the numbers are not known.
        package static var own: Architecture? {
            #if arch(x86_64)
            .x86
            #elseif arch(arm64)
            .arm
            #else
            nil
            #endif
        }
    }

    /// What the file says.
    package enum Reading: Hashable, Sendable {
        /// The thread runs, or is about to.
        case running
        /// It waits, but not in a system call: a page fault, say.
        case outside
        /// It waits in a system call.
        case call(SystemCall)
    }

    /// Its number.
    package var number: Int
    /// Its six arguments.
    package var arguments: [UInt64]
    /// The stack pointer.
    package var stackPointer: UInt64

    /// - Parameters: as the properties of the same names.
    package init(number: Int, arguments: [UInt64], stackPointer: UInt64 = .max) {
        precondition(arguments.count == 6)
        self.number = number
        self.arguments = arguments
        self.stackPointer = stackPointer
    }

    /// Parses the file.
    ///
    /// - Parameter text: the file, whole.
    /// - Returns: `nil` when it is no such file, or is cut short.
    package static func reading(_ text: UnsafeRawBufferPointer) -> Reading? {
        guard text.last == UInt8(ascii: "\n") else { return nil }
        var words = ProcWords(text)
        guard let first = words.next() else { return nil }
        if first.elementsEqual("running".utf8) { return .running }
        guard let number = ProcWords.number(first) else { return nil }
        if number < 0 { return .outside }
        var values: [UInt64] = []
        while values.count < 7, let word = words.next() {
            guard let value = hexadecimal(word) else { return nil }
            values.append(value)
        }
        guard values.count == 7, let small = Int(exactly: number) else { return nil }
        return .call(SystemCall(number: small, arguments: Array(values[..<6]), stackPointer: values[6]))
    }

    // `0x` and up to sixteen digits.
    private static func hexadecimal(_ word: UnsafeRawBufferPointer) -> UInt64? {
        guard word.count > 2, word.count <= 18, word[0] == UInt8(ascii: "0"), word[1] == UInt8(ascii: "x") else {
            return nil
        }
        var value: UInt64 = 0
        for byte in word.dropFirst(2) {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            value = value << 4 | UInt64(digit)
        }
        return value
    }
}

extension SystemCall {
    /// What a system call waits for, as far as its number and arguments tell.
    package enum Meaning: Hashable, Sendable {
        /// This, whatever else is so.
        case wait(WaitReport.Wait)
        /// Data from a descriptor.
        case read(Int32)
        /// Room in a descriptor.
        case write(Int32)
    }

    /// Its name and what it waits for; `nil` for a call that is not known.
    ///
    /// - Parameter architecture: whose numbers.
    package func meaning(on architecture: Architecture) -> (name: String, meaning: Meaning)? {
        // A stack below 4 GiB is a 32-bit program's, and its numbers are others.
        guard stackPointer > UInt64(UInt32.max), let kind = SystemCall.kinds(architecture)[number] else { return nil }
        return (kind.rawValue, meaning(of: kind))
    }

    private func meaning(of kind: SystemCallKind) -> Meaning {
        let descriptor = Int32(truncatingIfNeeded: arguments[0])
        return switch kind {
        case .read, .readv: .read(descriptor)
        case .write, .writev: .write(descriptor)
        case .futex: .wait(SystemCall.futexWait(operation: arguments[1], timeout: arguments[3]))
        case .futexWait:
            // futex_wait(address, value, mask, flags, timeout, clock); flag 128 is private.
            .wait(arguments[4] != 0 ? .timeout : arguments[3] & 128 != 0 ? .futex : .sharedFutex)
        // Which futexes it waits for, and whether they are private, stands in the thread's own memory.
        case .futexWaitv: .wait(arguments[3] != 0 ? .timeout : .sharedFutex)
        case .wait4, .waitid: .wait(.child)
        case .nanosleep, .clockNanosleep: .wait(.timeout)
        case .poll, .epollWait, .epollPwait:
            .wait(Int32(truncatingIfNeeded: arguments[kind == .poll ? 2 : 3]) >= 0 ? .timeout : .poll)
        case .ppoll: .wait(arguments[2] != 0 ? .timeout : .poll)
        case .epollPwait2: .wait(arguments[3] != 0 ? .timeout : .poll)
        case .select, .pselect6: .wait(arguments[4] != 0 ? .timeout : .poll)
        case .recvfrom, .recvmsg, .recvmmsg, .sendto, .sendmsg, .accept, .accept4, .connect: .wait(.socket)
        case .pause, .sigsuspend, .sigtimedwait: .wait(.signal)
        case .flock, .fcntl, .semop, .semtimedop, .msgrcv, .msgsnd, .messageSend, .messageReceive: .wait(.lock)
        case .splice, .sendfile: .wait(.descriptor)
        }
    }

    private static func futexWait(operation: UInt64, timeout: UInt64) -> WaitReport.Wait {
        let (privately, realtime): (UInt64, UInt64) = (128, 256)
        switch operation & ~(privately | realtime) {
        // WAIT, WAIT_BITSET, LOCK_PI, LOCK_PI2, WAIT_REQUEUE_PI.
        case 0, 9, 6, 13, 11:
            if timeout != 0 { return .timeout }
            return operation & privately != 0 ? .futex : .sharedFutex
        default: return .unknown
        }
    }

    private static func kinds(_ architecture: Architecture) -> [Int: SystemCallKind] {
        switch architecture {
        case .x86: x86Kinds
        case .arm: armKinds
        }
    }

    private static let x86Kinds: [Int: SystemCallKind] = [
        0: .read, 1: .write, 7: .poll, 19: .readv, 20: .writev, 23: .select, 34: .pause, 35: .nanosleep,
        40: .sendfile, 42: .connect, 43: .accept, 44: .sendto, 45: .recvfrom, 46: .sendmsg, 47: .recvmsg, 61: .wait4,
        65: .semop, 69: .msgsnd, 70: .msgrcv, 72: .fcntl, 73: .flock, 128: .sigtimedwait, 130: .sigsuspend,
        202: .futex, 220: .semtimedop, 230: .clockNanosleep, 232: .epollWait, 242: .messageSend, 243: .messageReceive,
        247: .waitid, 270: .pselect6, 271: .ppoll, 275: .splice, 281: .epollPwait, 288: .accept4, 299: .recvmmsg,
        441: .epollPwait2, 449: .futexWaitv, 455: .futexWait,
    ]

    private static let armKinds: [Int: SystemCallKind] = [
        25: .fcntl, 32: .flock, 63: .read, 64: .write, 65: .readv, 66: .writev, 71: .sendfile, 72: .pselect6,
        73: .ppoll, 76: .splice, 95: .waitid, 98: .futex, 101: .nanosleep, 115: .clockNanosleep, 133: .sigsuspend,
        137: .sigtimedwait, 182: .messageSend, 183: .messageReceive, 188: .msgrcv, 189: .msgsnd, 192: .semtimedop,
        193: .semop, 202: .accept, 203: .connect, 206: .sendto, 207: .recvfrom, 211: .sendmsg, 212: .recvmsg,
        22: .epollPwait, 242: .accept4, 243: .recvmmsg, 260: .wait4, 441: .epollPwait2, 449: .futexWaitv,
        455: .futexWait,
    ]
}

/// System calls in which threads usually wait, by name.
private enum SystemCallKind: String {
    case read, write, readv, writev, poll, ppoll, select, pselect6, pause, nanosleep, connect, accept, accept4
    case sendto, sendmsg, recvfrom, recvmsg, recvmmsg, wait4, waitid, semop, semtimedop, msgsnd, msgrcv
    case fcntl, flock, futex, splice, sendfile
    case clockNanosleep = "clock_nanosleep"
    case epollWait = "epoll_wait"
    case epollPwait = "epoll_pwait"
    case epollPwait2 = "epoll_pwait2"
    case sigsuspend = "rt_sigsuspend"
    case sigtimedwait = "rt_sigtimedwait"
    case messageSend = "mq_timedsend"
    case messageReceive = "mq_timedreceive"
    case futexWaitv = "futex_waitv"
    case futexWait = "futex_wait"
}
