import Testing
import WardenCore
import WardenLinux

/// Goal: /proc/PID/task/TID/syscall is read right on both processors, and anything odd in it is never a closed wait.
@Suite struct SystemCallTests {
    static func call(_ number: Int, _ arguments: [UInt64] = [], stack: UInt64 = 0x7fff_70fe_0d10) -> SystemCall {
        SystemCall(
            number: number, arguments: arguments + Array(repeating: 0, count: 6 - arguments.count),
            stackPointer: stack)
    }

    static func reading(_ text: String) -> SystemCall.Reading? {
        Array(text.utf8).withUnsafeBytes { SystemCall.reading($0) }
    }

    @Test(arguments: [
        ("running\n", SystemCall.Reading.running),
        ("-1 0x7ffd0 0x401000\n", .outside),
        (
            "202 0x5590 0x189 0x0 0x0 0x0 0xffffffff 0x7fff70fe0d10 0x7fe2826a3f16\n",
            .call(
                SystemCall(
                    number: 202, arguments: [0x5590, 0x189, 0, 0, 0, 0xffff_ffff], stackPointer: 0x7fff_70fe_0d10))
        ),
    ]) func goodTexts(_ text: String, _ wanted: SystemCall.Reading) {
        #expect(Self.reading(text) == wanted)
    }

    @Test(arguments: [
        "", "\n", "running", "202 0x1 0x2\n", "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x", "202 1 2 3 4 5 6 7 8\n",
        "99999999999999999999 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n",
        "202 0x1 0x2 0x3 0x4 0x5 0x6 0x11112222333344445 0x1\n",
        "x\n", "202 0xg 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n",
    ]) func badTexts(_ text: String) {
        #expect(Self.reading(text) == nil)
    }

    @Test("Whatever a text is, it is read without a trap, and cut anywhere it is no call")
    func cutTexts() {
        let text = "202 0x5590 0x189 0x0 0x0 0x0 0xffffffff 0x7fff70fe0d10 0x7fe2826a3f16\n"
        for length in 0..<text.utf8.count { #expect(Self.reading(String(text.prefix(length))) == nil) }
        var dice = Dice(seed: 11)
        for _ in 0..<20_000 {
            var bytes = Array(text.utf8)
            for _ in 0...dice.next() % 4 {
                bytes[Int(dice.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: dice.next())
            }
            guard case .call(let call)? = bytes.withUnsafeBytes({ SystemCall.reading($0) }) else { continue }
            for architecture in SystemCall.Architecture.allCases { _ = call.meaning(on: architecture) }
        }
    }

    /// A call by its number on x86-64 and on arm64, and what it waits for.
    struct Row: Sendable {
        var name: String
        var x86: Int?
        var arm: Int?
        var arguments: [UInt64]
        var meaning: SystemCall.Meaning
    }

    static let far: UInt64 = 0x7f00_0000_0000
    static let forever: UInt64 = 0xFFFF_FFFF
    static let rows: [Row] = [
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x80, 2, 0], meaning: .wait(.futex)),
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x189, 0, 0, 0, forever], meaning: .wait(.futex)),
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x86, 0, 0], meaning: .wait(.futex)),
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x8D, 0, 0], meaning: .wait(.futex)),
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x189, 0, far], meaning: .wait(.timeout)),
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x109, 0, 0], meaning: .wait(.sharedFutex)),
        Row(name: "futex", x86: 202, arm: 98, arguments: [far, 0x81, 0, 0], meaning: .wait(.unknown)),
        Row(name: "futex_waitv", x86: 449, arm: 449, arguments: [far, 2, 0, 0], meaning: .wait(.sharedFutex)),
        Row(name: "futex_waitv", x86: 449, arm: 449, arguments: [far, 2, 0, far], meaning: .wait(.timeout)),
        Row(name: "futex_wait", x86: 455, arm: 455, arguments: [far, 0, 0, 130, 0], meaning: .wait(.futex)),
        Row(name: "futex_wait", x86: 455, arm: 455, arguments: [far, 0, 0, 2, 0], meaning: .wait(.sharedFutex)),
        Row(name: "futex_wait", x86: 455, arm: 455, arguments: [far, 0, 0, 130, far], meaning: .wait(.timeout)),
        Row(name: "read", x86: 0, arm: 63, arguments: [3], meaning: .read(3)),
        Row(name: "readv", x86: 19, arm: 65, arguments: [3], meaning: .read(3)),
        Row(name: "write", x86: 1, arm: 64, arguments: [1], meaning: .write(1)),
        Row(name: "writev", x86: 20, arm: 66, arguments: [2], meaning: .write(2)),
        Row(name: "wait4", x86: 61, arm: 260, arguments: [forever], meaning: .wait(.child)),
        Row(name: "waitid", x86: 247, arm: 95, arguments: [], meaning: .wait(.child)),
        Row(name: "clock_nanosleep", x86: 230, arm: 115, arguments: [], meaning: .wait(.timeout)),
        Row(name: "nanosleep", x86: 35, arm: 101, arguments: [], meaning: .wait(.timeout)),
        Row(name: "poll", x86: 7, arm: nil, arguments: [far, 1, forever], meaning: .wait(.poll)),
        Row(name: "poll", x86: 7, arm: nil, arguments: [far, 1, 5000], meaning: .wait(.timeout)),
        Row(name: "ppoll", x86: 271, arm: 73, arguments: [far, 1, 0], meaning: .wait(.poll)),
        Row(name: "ppoll", x86: 271, arm: 73, arguments: [far, 1, far], meaning: .wait(.timeout)),
        Row(name: "epoll_wait", x86: 232, arm: nil, arguments: [4, far, 8, forever], meaning: .wait(.poll)),
        Row(name: "epoll_pwait", x86: 281, arm: 22, arguments: [4, far, 8, 1000], meaning: .wait(.timeout)),
        Row(name: "pselect6", x86: 270, arm: 72, arguments: [], meaning: .wait(.poll)),
        Row(name: "recvfrom", x86: 45, arm: 207, arguments: [3], meaning: .wait(.socket)),
        Row(name: "recvmsg", x86: 47, arm: 212, arguments: [3], meaning: .wait(.socket)),
        Row(name: "accept4", x86: 288, arm: 242, arguments: [3], meaning: .wait(.socket)),
        Row(name: "rt_sigtimedwait", x86: 128, arm: 137, arguments: [], meaning: .wait(.signal)),
        Row(name: "rt_sigsuspend", x86: 130, arm: 133, arguments: [], meaning: .wait(.signal)),
        Row(name: "flock", x86: 73, arm: 32, arguments: [3, 2], meaning: .wait(.lock)),
    ]

    @Test func numbersAndArgumentsMeanWhatTheKernelSays() {
        for row in Self.rows {
            for (architecture, number) in [(SystemCall.Architecture.x86, row.x86), (.arm, row.arm)] {
                guard let number else { continue }
                let found = Self.call(number, row.arguments).meaning(on: architecture)
                #expect(found?.name == row.name, "\(number) on \(architecture)")
                #expect(found?.meaning == row.meaning, "\(row.name) \(row.arguments) on \(architecture)")
            }
        }
    }

    @Test("restart_syscall, io_uring_enter, unknown numbers, and the numbers of 32-bit programs are unknown")
    func unknownCalls() {
        for number in [219, 426, 100_000, 3] { #expect(Self.call(number).meaning(on: .x86) == nil) }
        for number in [128, 426, 0] { #expect(Self.call(number).meaning(on: .arm) == nil) }
        #expect(Self.call(202, [Self.far, 0x80], stack: 0xFFF0_0000).meaning(on: .x86) == nil)
    }

    @Test func wakingSignalsAreThoseThatGiveWork() {
        func mask(_ numbers: UInt64...) -> UInt64 { numbers.reduce(0) { $0 | 1 << ($1 - 1) } }
        #expect(ThreadStatus.wakingSignals(in: mask(1, 2, 3, 11, 13, 15, 17, 32, 33)) == [])
        #expect(
            ThreadStatus.wakingSignals(in: mask(10, 12, 14, 29, 40))
                == ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGIO", "SIGRTMIN+"])
    }

    @Test func aThreadsStatusIsReadWholeOrNotAtAll() {
        let text = """
            Name:\tState:\\nX
            Umask:\t0022
            State:\tS (sleeping)
            SigCgt:\t0000000100000200
            voluntary_ctxt_switches:\t21
            nonvoluntary_ctxt_switches:\t9

            """
        let status = Array(text.utf8).withUnsafeBytes { ThreadStatus($0) }
        #expect(status?.state == .sleeping)
        #expect(status?.switches == 30)
        #expect(status?.caughtSignals == 0x1_0000_0200)
        for length in 0..<(text.utf8.count - 1) {
            #expect(Array(text.utf8.prefix(length)).withUnsafeBytes { ThreadStatus($0) } == nil)
        }
    }

    @Test func kernelStacksKeepTheFunctionsNames() {
        let text = "[<0>] futex_do_wait+0x46/0x90\n[<0>] do_syscall_64+0x71/0x280\nodd\n"
        #expect(Array(text.utf8).withUnsafeBytes { KernelStack.frames($0) } == ["futex_do_wait", "do_syscall_64"])
    }
}
