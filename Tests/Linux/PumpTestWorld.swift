import Glibc
import Synchronization
import Testing
import WardenCore
import WardenLinux

/// A directory of its own for one test, removed afterwards.
final class ScratchDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/warden-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { bytes in bytes.baseAddress.flatMap { mkdtemp($0) } }
        path = String(cString: try #require(made))
    }

    deinit {
        for name in names { _ = unlink("\(path)/\(name)") }
        _ = rmdir(path)
    }

    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { _ = closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func contents(_ name: String) throws -> [UInt8] { try readWhole(file(name)) }

    func text(_ name: String) throws -> String { String(decoding: try contents(name), as: UTF8.self) }
}

func readWhole(_ path: String) throws -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let size = try buffer.withUnsafeMutableBytes { try file.read(into: $0) } ?? 0
        if size == 0 { return bytes }
        bytes += buffer[..<size]
    }
}

/// Writes everything, waiting where it must.
func writeWhole(_ bytes: [UInt8], to descriptor: CInt) throws {
    var start = 0
    while start < bytes.count {
        let written = bytes[start...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        try #require(written > 0, "errno \(errno)")
        start += written
    }
}

func writeWhole(_ text: String, to descriptor: CInt) throws { try writeWhole(Array(text.utf8), to: descriptor) }

/// A pump whose reports can be waited for.
final class PumpWorld: Sendable {
    enum News: Sendable {
        case facts(WorkerID, LogFacts)
        case closed(WorkerID)
        case trouble(LogTrouble)
        case wrote(WorkerOutput)
        case said(WorkerID, [ListenerWord])
    }

    let pump: Pump
    private let inbox: Mailbox<News>
    private let seen = Mutex<[News]>([])

    init(drainAfterExit: Duration = .milliseconds(50)) throws {
        let inbox = try Mailbox<News>(capacity: 100_000)
        self.inbox = inbox
        let reports = PumpReports(
            facts: { _ = inbox.post(.facts($0, $1)) }, closed: { _ = inbox.post(.closed($0)) },
            trouble: { _ = inbox.post(.trouble($0)) }, wrote: { _ = inbox.post(.wrote($0)) },
            said: { _ = inbox.post(.said($0, $1)) })
        pump = try Pump(reports: reports, drainAfterExit: drainAfterExit)
    }

    deinit { pump.stop() }

    /// Everything reported so far, once it satisfies a condition; fails the test after half a minute without.
    @discardableResult
    func wait(_ what: String, until condition: ([News]) -> Bool) throws -> [News] {
        let deadline = MonotonicClock.now() + .seconds(30)
        while true {
            let news = seen.withLock { seen in
                seen += inbox.drain()
                return seen
            }
            if condition(news) { return news }
            try #require(inbox.wait(until: deadline), "waited in vain: \(what)")
        }
    }

    @discardableResult
    func waitClosed(_ worker: WorkerID) throws -> [News] {
        try wait("closed") { $0.contains { if case .closed(worker) = $0 { true } else { false } } }
    }

    func attach(
        _ worker: WorkerID, to target: LogTarget, stream: OutputStream = .standardOutput,
        rules: ScanRules = ScanRules(), treatment: StreamTreatment = StreamTreatment()
    ) throws -> Descriptor {
        let pipe = try Pipe()
        let writer = try pipe.writer.duplicate()
        let posting = pump.attach(
            worker, stream, try pipe.reader.duplicate(), to: target, rules: rules, treatment: treatment)
        #expect(posting == .accepted)
        return writer
    }
}

func worker(_ slot: UInt32, _ generation: UInt32 = 1) -> WorkerID {
    WorkerID(slot: SlotID(slot), generation: Generation(generation))
}

func facts(_ news: [PumpWorld.News], of worker: WorkerID) -> [LogFacts] {
    news.compactMap { if case .facts(worker, let facts) = $0 { facts } else { nil } }
}

func troubles(_ news: [PumpWorld.News]) -> [LogTrouble] {
    news.compactMap { if case .trouble(let trouble) = $0 { trouble } else { nil } }
}
