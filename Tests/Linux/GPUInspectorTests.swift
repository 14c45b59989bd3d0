import Glibc
import Testing
import WardenCore
import WardenLinux

/// Goal: what NVML says of an old tree becomes one of six answers, and a call that never returns costs one thread once.
@Suite struct GPUInspectorTests {
    typealias GPU = RespawnReport.GPU

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var files: [String: String]
        var devices: Set<Int>?
        var expected: GPU
        var remarks: [String] = []
    }

    static let lost = "GPU is lost (NVML error 15)"
    static let unknown = "Unknown Error (NVML error 999)"

    static let cases = [
        Case(testDescription: "nobody", files: [:], expected: .free),
        Case(testDescription: "strangers", files: ["pids.0": "1 2 3"], expected: .free),
        Case(testDescription: "one of ours", files: ["pids.1": "77 42"], expected: .held([42])),
        Case(testDescription: "on both", files: ["pids.0": "43", "pids.1": "77 42"], expected: .held([42, 43])),
        Case(
            testDescription: "more than there was room for",
            files: ["pids.0": (1...300).map { "\($0 + 1000)" }.joined(separator: " ") + " 42"], expected: .held([42])),
        Case(
            testDescription: "no driver", files: ["init": "9"],
            expected: .absent(reason: "Driver Not Loaded (NVML error 9)")),
        Case(testDescription: "no device", files: ["count": "0"], expected: .absent(reason: "NVML knows no GPU")),
        Case(testDescription: "another error", files: ["init": "999"], expected: .unanswered(reason: unknown)),
        Case(
            testDescription: "one device is lost, the other works", files: ["code.1": "15"], expected: .free,
            remarks: ["GPU 1: \(lost)"]),
        Case(
            testDescription: "the one that the worker may use is lost", files: ["code.1": "15"], devices: [1],
            expected: .lost("GPU 1: \(lost)")),
        Case(
            testDescription: "both are lost", files: ["code.0": "16", "code.1": "15"],
            expected: .lost("GPU 0: GPU requires restart (NVML error 16), GPU 1: \(lost)")),
        Case(testDescription: "all is lost", files: ["init": "15"], expected: .lost(lost)),
        Case(
            testDescription: "a device cannot be asked", files: ["code.0": "999"],
            expected: .unanswered(reason: "GPU 0: \(unknown)")),
        Case(testDescription: "no device for this worker", files: ["code.0": "15"], devices: [], expected: .notAsked),
        Case(
            testDescription: "numbers that no device has", files: ["code.0": "15"], devices: [7], expected: .free,
            remarks: ["GPU 0: \(lost)"]),
    ]

    @Test(arguments: cases)
    func answers(_ row: Case) throws {
        let library = try FakeNVML()
        for (name, text) in row.files { try library.set(name, text) }
        var remarks: [String] = []
        let inspector = GPUInspector(path: library.path)
        #expect(inspector.look(for: [42, 43], devices: row.devices, remarks: &remarks) == row.expected)
        #expect(remarks == row.remarks)
    }

    @Test("Older drivers have other functions, the oldest with shorter entries", arguments: ["_v2", ""])
    func olderDrivers(_ suffix: String) throws {
        let library = try FakeNVML(suffix)
        try library.set("pids.0", "1 2 42 3 43")
        var remarks: [String] = []
        let inspector = GPUInspector(path: library.path)
        #expect(inspector.look(for: [42, 43, 44], devices: nil, remarks: &remarks) == .held([42, 43]))
    }

    @Test("A host without the library, and a library that is something else")
    func absent() {
        var remarks: [String] = []
        for path in ["/nonexistent/libnvidia-ml.so.1", "libc.so.6"] {
            let answer = GPUInspector(path: path).look(for: [42], devices: nil, remarks: &remarks)
            #expect(answer == .absent(reason: "there is no \(path)"))
        }
        #expect(!GPUInspector.isThere("/nonexistent/libnvidia-ml.so.1"))
    }

    @Test("While a call hangs everybody else has an answer at once, and it works again when it returns")
    func hangs() throws {
        let library = try FakeNVML()
        let inspector = GPUInspector(path: library.path)
        var remarks: [String] = []
        try library.hang()
        let answers = try Mailbox<GPU>(capacity: 1)
        let stuck = try NamedThread.start(name: "stuck") {
            var remarks: [String] = []
            _ = answers.post(inspector.look(for: [42], devices: nil, remarks: &remarks))
        }
        let deadline = MonotonicClock.now() + .seconds(10)
        while !inspector.isBusy, MonotonicClock.now() < deadline { sched_yield() }
        let answer = inspector.look(for: [42], devices: nil, remarks: &remarks)
        #expect(answer == .unanswered(reason: "NVML is being asked for another worker"))
        try library.goOn()
        #expect(answers.wait(until: deadline))
        stuck.join()
        #expect(answers.drain() == [.free])
        try library.set("pids.0", "42")
        #expect(inspector.look(for: [42], devices: nil, remarks: &remarks) == .held([42]))
    }

    @Test(
        "CUDA_VISIBLE_DEVICES as CUDA reads it",
        arguments: [
            (nil, nil), ("0", [0]), ("0,2", [0, 2]), ("1, 3", [1, 3]), ("", []), ("-1", []), ("NoDevFiles", []),
            ("0,-1,2", [0]), ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", nil), ("MIG-GPU-1/2/3", nil),
        ] as [(String?, Set<Int>?)])
    func visibleDevices(_ text: String?, _ devices: Set<Int>?) {
        #expect(GPUInspector.devices(visible: text) == devices)
    }
}
