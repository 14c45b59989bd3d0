import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import WardenControl
import WardenCore
import WardenWire

/// A server over a real Unix socket in a directory of its own.
struct TestServer {
    let path: String
    let directory: String
    let server: ControlServer
    let log: TestLog

    /// Serves while `body` runs.
    static func run<Result: Sendable>(
        _ daemon: FakeDaemon, connectionLimit: Int = 64, ownUserID: UInt32 = getuid(),
        servesMetrics: Bool = true, listener adjust: (inout ControlListener) -> Void = { _ in },
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let directory = try temporaryDirectory()
        defer { removeDirectory(directory) }
        let path = directory + "/s"
        var listener = ControlListener(descriptor: try bindUnix(path), kind: .unix(path: path))
        adjust(&listener)
        let log = TestLog()
        let settings = ControlSettings(
            connectionLimit: connectionLimit, ownUserID: ownUserID, servesMetrics: servesMetrics,
            now: { FakeDaemon.moment.wall },
            localTime: { _ in (2026, 11, 22, 15, 27, 0) }, openLog: { openForReading($0) },
            log: { log.append($0) })
        let server = ControlServer(listeners: [listener], backend: daemon, settings: settings)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await server.run { isReady.finish() } }
            for await _ in ready {}
            defer { server.stop() }
            return try await body(TestServer(path: path, directory: directory, server: server, log: log))
        }
    }

    /// One request on a connection of its own.
    func send(_ request: String) async throws -> Answer {
        try await converse { talk in
            try await talk.send(request)
            return await talk.answer()
        }
    }

    /// A call of a method.
    func call(
        _ method: String, _ parameters: XMLRPCValue..., headers: String = ""
    ) async throws -> XMLRPCResponse {
        let answer = try await send(TestServer.request(method, parameters, headers: headers))
        #expect(answer.status == 200)
        return try XMLRPCResponse(decoding: answer.body)
    }

    /// The text of a call.
    static func request(_ method: String, _ parameters: [XMLRPCValue], headers: String = "") -> String {
        let body = String(decoding: XMLRPCCall(method: method, parameters: parameters).encoded(), as: UTF8.self)
        return "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n\(headers)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// A GET.
    func get(_ path: String, headers: String = "") async throws -> Answer {
        try await send("GET \(path) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n")
    }

    /// A POST of JSON.
    func post(_ path: String, _ body: String = "", headers: String = "") async throws -> Answer {
        try await send(
            "POST \(path) HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// A connection for as long as `body` runs.
    func converse<Result: Sendable>(
        port: Int? = nil, _ body: (inout Conversation) async throws -> Result
    ) async throws -> Result {
        let (received, inlet) = AsyncStream<ByteBuffer>.makeStream()
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Feed(inlet)) }
        }
        let connecting =
            if let port {
                bootstrap.connect(host: "127.0.0.1", port: port)
            } else {
                bootstrap.connect(unixDomainSocketPath: path)
            }
        var conversation = Conversation(channel: try await connecting.get(), inbound: received.makeAsyncIterator())
        defer { conversation.channel.close(promise: nil) }
        return try await body(&conversation)
    }
}

/// Hands on what comes in.
private final class Feed: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inlet: AsyncStream<ByteBuffer>.Continuation

    init(_ inlet: AsyncStream<ByteBuffer>.Continuation) {
        self.inlet = inlet
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inlet.yield(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        inlet.finish()
    }
}

/// One end of a connection.
struct Conversation {
    let channel: any Channel
    private var inbound: AsyncStream<ByteBuffer>.AsyncIterator
    private var received: [UInt8] = []

    init(channel: any Channel, inbound: AsyncStream<ByteBuffer>.AsyncIterator) {
        self.channel = channel
        self.inbound = inbound
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// The next answer; `Content-Length` says where it ends.
    mutating func answer() async -> Answer {
        let head = await text(until: "\r\n\r\n")
        let fields = head.split(separator: "\r\n").map(String.init)
        let length = fields.first { $0.lowercased().hasPrefix("content-length:") }
        let count = length.flatMap { Int($0.split(separator: ":")[1].drop { $0 == " " }) } ?? 0
        while received.count < count, await receive() {}
        let body = Array(received.prefix(count))
        received.removeFirst(body.count)
        let status = fields.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
        return Answer(status: status, fields: Array(fields.dropFirst()), body: body)
    }

    /// Everything up to and with `mark`, or up to the end.
    mutating func text(until mark: String) async -> String {
        while true {
            let text = String(decoding: received, as: UTF8.self)
            if let range = text.firstRange(of: mark) {
                let taken = String(text[..<range.upperBound])
                received.removeFirst(taken.utf8.count)
                return taken
            }
            guard await receive() else {
                received = []
                return text
            }
        }
    }

    /// - Returns: false at the end.
    private mutating func receive() async -> Bool {
        guard let buffer = await inbound.next(isolation: #isolation) else { return false }
        received.append(contentsOf: buffer.readableBytesView)
        return true
    }
}

/// An answer.
struct Answer: Sendable {
    var status: Int
    var fields: [String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    func json() throws -> JSONValue { try JSONValue(decoding: body) }

    func has(_ field: String) -> Bool { fields.contains { $0.lowercased() == field.lowercased() } }
}

/// What the room logged.
final class TestLog: Sendable {
    private let kept = Mutex<[LogRecord]>([])

    func append(_ record: LogRecord) { kept.withLock { $0.append(record) } }

    var records: [LogRecord] { kept.withLock { $0 } }
}

/// A system call that a test needs failed.
struct TestError: Error {
    var text: String

    init(_ call: String) {
        text = "\(call): \(String(cString: strerror(errno)))"
    }
}

func temporaryDirectory() throws -> String {
    var template = Array("/tmp/warden-control-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestError("mkdtemp") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func removeDirectory(_ path: String) {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        unlink("\(path)/\(name)")
    }
    closedir(directory)
    rmdir(path)
}

func writeFile(_ path: String, _ text: String, append: Bool = false) throws {
    guard let file = fopen(path, append ? "a" : "w") else { throw TestError("fopen") }
    defer { fclose(file) }
    let bytes = Array(text.utf8)
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw TestError("fwrite") }
}

/// A listening Unix socket.
func bindUnix(_ path: String) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return try listen(AF_UNIX, &address)
}

/// A listening TCP socket on the loopback, and its port.
func bindTCP() throws -> (descriptor: Int32, port: Int) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let descriptor = try listen(AF_INET, &address)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { throw TestError("getsockname") }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

private func listen<Address>(_ family: Int32, _ address: inout Address) throws -> Int32 {
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestError("socket") }
    let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
        }
    }
    guard bound == 0 else { throw TestError("bind") }
    guard Glibc.listen(descriptor, 64) == 0 else { throw TestError("listen") }
    return descriptor
}

/// As the daemon opens logs, without its care.
private func openForReading(_ path: String) -> OpenedLog? {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
    return OpenedLog(
        descriptor: descriptor, inode: UInt64(status.st_ino), sizeBytes: Int64(status.st_size),
        modifiedAt: WallTime(microseconds: Int64(status.st_mtim.tv_sec) * 1_000_000),
        isRegular: status.st_mode & S_IFMT == S_IFREG)
}
