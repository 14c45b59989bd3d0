import Logging
import WardenCore

/// Takes what Hummingbird and NIO log, and this room itself, to the daemon's own log.
struct LogBridge: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    private let sink: @Sendable (LogRecord) -> Void

    init(_ sink: @escaping @Sendable (LogRecord) -> Void) {
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let details = facts.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        sink(LogRecord(LogBridge.level(event.level), "\(event.message)\(details)"))
    }

    private static func level(_ level: Logger.Level) -> LogRecord.Level {
        switch level {
        case .trace: .trace
        case .debug: .debug
        case .info, .notice: .info
        case .warning: .warn
        case .error: .error
        case .critical: .critical
        }
    }
}
