import Glibc
import Testing
import WardenCore
import WardenLinux

/// A Python script as a child that says what it did, and then waits for its standard input to end.
struct ProcTestChild: ~Copyable {
    var child: Child
    private let input: Descriptor
    private let output: Descriptor

    private init(child: consuming Child, input: consuming Descriptor, output: consuming Descriptor) {
        self.child = child
        self.input = input
        self.output = output
    }

    /// Starts a script.
    static func start(_ script: String) throws -> ProcTestChild {
        var plan = Launchpad.plan(["python3", "-u", "-c", script])
        let (inputReader, inputWriter) = try Launchpad.ends()
        let (outputReader, outputWriter) = try Launchpad.ends()
        let childsInput = Descriptor(owning: inputReader)
        let childsOutput = Descriptor(owning: outputWriter)
        let input = Descriptor(owning: inputWriter)
        let output = Descriptor(owning: outputReader)
        plan.descriptors = [childsInput.rawValue, childsOutput.rawValue, childsOutput.rawValue]
        let spawned = try Spawner().spawn(plan)
        let reading = try Launchpad.conclude(spawned.report)
        try #require(reading == .executed)
        return ProcTestChild(child: spawned.takeChild(), input: input, output: output)
    }

    deinit {
        // Whatever the test did to it: it may be stopped, or gone. A zombie left behind would keep the test library's
        // own wait for exit tests from ever seeing theirs.
        _ = try? child.deliver(.kill)
        _ = waitpid(child.pid, nil, 0)
    }

    var pid: Int32 { child.pid }

    /// Ends and reaps it.
    mutating func end() throws {
        try child.deliver(.kill)
        _ = try Launchpad.end(of: &child)
    }

    /// The next line that it writes.
    func line() throws -> String {
        var bytes: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            try #require(read(output.rawValue, &byte, 1) == 1)
            if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
    }
}

extension ProcTestChild {
    /// Opens pipes, says `ready`, and waits.
    static func withPipes(_ count: Int) throws -> ProcTestChild {
        let child = try ProcTestChild.start(
            """
            import os, resource, sys
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            pipes = [os.pipe() for _ in range(\(count))]
            while sum(os.times()[:2]) < 0.03: pass
            print('ready')
            sys.stdin.read()
            """)
        #expect(try child.line() == "ready")
        return child
    }
}

extension ProcTestChild {
    /// Kills a child's descendants, which its own end would leave behind.
    static func endTree(of pid: Int32) {
        for member in ProcessTree.members(of: pid).members.dropFirst() { kill(member.identity.pid, SIGKILL) }
    }
}
