import HTTPTypes
import Hummingbird
import WardenCore
import WardenWire

/// GET /logtail and /mainlogtail: `tail -f` for supervisorctl.
struct LogRoutes {
    let backend: any ControlBackend
    let logs: LogReader
    private let followers = Gauge()

    init(backend: any ControlBackend, logs: LogReader) {
        self.backend = backend
        self.logs = logs
    }

    func add(to router: Router<ControlContext>) {
        router.get("mainlogtail") { _, _ in
            guard let path = backend.daemonIdentity().logPath else { throw LogRoutes.notFound }
            return try await follow(path)
        }
        router.get("logtail/:name") { _, context in
            try await follow(worker: context.parameters.get("name"), stream: .stdout)
        }
        router.get("logtail/:name/:stream") { _, context in
            guard let stream = context.parameters.get("stream", as: OutputStream.self) else { throw LogRoutes.notFound }
            return try await follow(worker: context.parameters.get("name"), stream: stream)
        }
    }

    private static let notFound = Problem(status: 404, title: "Not Found", detail: "there is no such log")

    private func follow(worker: String?, stream: OutputStream) async throws -> Response {
        guard let name = worker?.percentDecoded else { throw LogRoutes.notFound }
        let selection = Selection(namespec: name)
        guard case .slot = selection else { throw LogRoutes.notFound }
        switch await backend.perform(.snapshot(selection)) {
        case .snapshots(let workers):
            guard let worker = workers.first else { throw LogRoutes.notFound }
            guard case .file(let path) = await backend.logPath(worker.name, stream) else { throw LogRoutes.notFound }
            return try await follow(path)
        case .refused(.badName): throw LogRoutes.notFound
        case .refused(let refusal): throw Problem(refusal)
        case .done, .outcomes, .explanations, .differences, .updated, .daemonState, .drill: throw LogRoutes.notFound
        }
    }

    private func follow(_ path: String) async throws -> Response {
        let status: LogStatus
        do throws(LogFailure) {
            status = try await logs.status(path)
        } catch {
            throw LogRoutes.notFound
        }
        // Followers keep their connection for ever: without a limit they would take every place that there is.
        guard let place = GaugePlace(followers, limit: ControlLimits.followers) else {
            throw Problem(
                status: 503, title: "Service Unavailable",
                detail: "\(ControlLimits.followers) clients follow logs already")
        }
        let follower = LogFollower(path: path, status: status, logs: logs)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/plain;charset=utf-8", LogRoutes.buffering: "no",
                .lastModified: status.modifiedAt.httpDate, .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody { [place] writer in
                defer { _ = place }
                var follower = follower
                while true {
                    let bytes = await follower.next()
                    if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
                    if follower.isAtEnd { try await Task.sleep(for: ControlLimits.followPause) }
                    try Task.checkCancellation()
                }
            })
    }

    /// Tells nginx not to hold the text back.
    private static let buffering: HTTPField.Name = {
        guard let name = HTTPField.Name("X-Accel-Buffering") else { return .cacheControl }
        return name
    }()
}

/// Reads what is new in a log, across rotation and truncation.
struct LogFollower: Sendable {
    private static let truncated = Array("==> File truncated <==\n".utf8)

    private let path: String
    private let logs: LogReader
    private var status: LogStatus
    private var position: Int64
    /// False when there is more to be had at once.
    private(set) var isAtEnd = false

    /// The last `ControlLimits.followHeadBytes` bytes of the log as it is come first.
    init(path: String, status: LogStatus, logs: LogReader) {
        self.path = path
        self.logs = logs
        self.status = status
        position = max(0, status.sizeBytes - Int64(ControlLimits.followHeadBytes))
    }

    /// What is new, which may be nothing.
    ///
    /// A log that cannot be read now, as between the two steps of a rotation, has nothing new.
    mutating func next() async -> [UInt8] {
        isAtEnd = true
        do throws(LogFailure) {
            let now = try await logs.status(path)
            if now.inode != status.inode { position = 0 }
            status = now
            if now.sizeBytes < position {
                position = 0
                isAtEnd = now.sizeBytes == 0
                return LogFollower.truncated
            }
            let wanted = min(now.sizeBytes - position, Int64(ControlLimits.followBytes))
            let bytes = try await logs.bytes(path, from: position, count: wanted)
            position += Int64(bytes.count)
            isAtEnd = position >= now.sizeBytes || bytes.isEmpty
            return bytes
        } catch {
            return []
        }
    }
}
