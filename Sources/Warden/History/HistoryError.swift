internal import Foundation
internal import GRDB

/// Why the history could not be opened, read or written.
///
/// The daemon goes on supervising without it.
package enum HistoryError: Error, Hashable, Sendable {
    /// The directory of the database is not there and could not be made.
    case noDirectory(path: String, reason: String)
    /// The file could not be opened or made.
    case cannotOpen(path: String, reason: String)
    /// The file or its file system may not be written.
    case readOnly(path: String)
    /// No space is left, or the database has reached `HistoryLimits.databaseBytes`.
    case full(path: String)
    /// Another process holds the database for longer than `HistoryLimits.busyTimeout`.
    case busy(path: String)
    /// The file is damaged. Opening it again moves it aside.
    case corrupt(path: String)
    /// A corrupt file could not be moved aside.
    case cannotMoveAside(path: String, reason: String)
    /// A newer Warden made the file, and this one does not know its tables.
    case newer(path: String)
    /// An incident is there, but it says something that this Warden does not know.
    case unreadableIncident(path: String, id: String)
    /// It was closed.
    case closed(path: String)
    /// `HistoryLimits.waitingAlerts` alerts wait already.
    case outboxFull(path: String)
    /// The body of an alert is larger than `HistoryLimits.alertBodyBytes`.
    case bodyTooLarge(path: String, bytes: Int)
    /// SQLite failed in another way: its extended result code and its own words.
    case failed(path: String, task: String, code: Int32, reason: String)
}

extension HistoryError {
    /// The same call may succeed later: there is no space, or somebody else is in the way.
    package var isPassing: Bool {
        switch self {
        case .readOnly, .full, .busy, .cannotOpen, .noDirectory, .failed: true
        case .corrupt, .cannotMoveAside, .newer, .unreadableIncident, .closed, .outboxFull, .bodyTooLarge: false
        }
    }
}

extension HistoryError: CustomStringConvertible {
    /// What failed, where, why, and what can be done about it.
    package var description: String {
        switch self {
        case .noDirectory(let path, let reason):
            "cannot make the directory of \(path); set history= in [warden] to another path: \(reason)"
        case .cannotOpen(let path, let reason):
            "cannot open \(path); check the path and its permissions, or set history= in [warden]: \(reason)"
        case .readOnly(let path):
            "cannot write \(path); make the file and its file system writable: read-only"
        case .full(let path):
            "cannot write \(path); free some space there, or shorten history_keep in [warden]: "
                + "the disk is full or the database has its largest size"
        case .busy(let path):
            "cannot use \(path); end the other program that uses it (see `fuser \(path)`): database is locked"
        case .corrupt(let path):
            "cannot use \(path); it is moved aside when warden starts again: the file is damaged"
        case .cannotMoveAside(let path, let reason):
            "cannot move the damaged \(path) aside; move it by hand: \(reason)"
        case .newer(let path):
            "cannot use \(path); install the newer warden again, or move the file away: a newer warden made it"
        case .unreadableIncident(let path, let id):
            "cannot read incident \(id) of \(path): it holds words that this warden does not know"
        case .closed(let path):
            "cannot use \(path): it was closed"
        case .outboxFull(let path):
            "cannot store an alert in \(path); check the [alert:…] urls: the outbox is full"
        case .bodyTooLarge(let path, let bytes):
            "cannot store an alert in \(path): \(bytes) bytes are more than \(HistoryLimits.alertBodyBytes)"
        case .failed(let path, let task, let code, let reason):
            "cannot \(task) in \(path): \(reason) (SQLite code \(code))"
        }
    }
}

extension HistoryError {
    /// Translates what GRDB throws.
    ///
    /// - Parameters:
    ///   - error: as caught.
    ///   - path: the database's file.
    ///   - task: what was tried, as in "cannot TASK".
    init(_ error: any Error, path: String, task: String) {
        if let error = error as? HistoryError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self = .failed(path: path, task: task, code: 0, reason: String(describing: error))
            return
        }
        let reason = error.message ?? "no reason given"
        switch error.resultCode {
        case .SQLITE_FULL: self = .full(path: path)
        case .SQLITE_READONLY, .SQLITE_PERM: self = .readOnly(path: path)
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: self = .busy(path: path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path)
        case .SQLITE_CANTOPEN: self = .cannotOpen(path: path, reason: reason)
        default: self = .failed(path: path, task: task, code: error.extendedResultCode.rawValue, reason: reason)
        }
    }

    /// The errno below one of FileManager's errors, in words.
    static func reason(of error: any Error) -> String {
        guard let below = (error as? POSIXError) ?? ((error as? CocoaError)?.underlying as? POSIXError) else {
            return error.localizedDescription
        }
        // Directories are made with those above them, so that EEXIST is about something that is no directory.
        let code = below.code == .EEXIST ? POSIXErrorCode.ENOTDIR : below.code
        return String(cString: strerror(code.rawValue))
    }
}

/// Something that happened while the history was opened and that a person should be told.
package enum HistoryNotice: Hashable, Sendable {
    /// The file was damaged. It was moved aside, and a new one was begun.
    case movedAside(from: String, to: String)
    /// So many incidents of a former run had no outcome. They are superseded now.
    case superseded(Int)
}

extension HistoryNotice: CustomStringConvertible {
    /// The notice in one line for the log.
    package var description: String {
        switch self {
        case .movedAside(let from, let to):
            "\(from) was damaged and is now \(to); a new history was begun"
        case .superseded(let count):
            "\(count) incidents of a former run had no outcome and are superseded"
        }
    }
}
