internal import Foundation

/// The database's file and directories, before SQLite sees them.
enum HistoryFile {
    /// Makes the missing directories above `path`, mode 0750.
    static func makeDirectory(of path: String) throws(HistoryError) {
        let directory = (path as NSString).deletingLastPathComponent
        guard !directory.isEmpty else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw .noDirectory(path: path, reason: HistoryError.reason(of: error))
        }
    }

    /// Makes an empty file with mode 0640, because SQLite would make it readable for everybody and it quotes logs.
    ///
    /// A failure says nothing here: SQLite tries again, and its error has the reason.
    static func create(_ path: String) {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o640])
    }

    /// Moves a damaged database aside, its write-ahead log with it so that tools can still read both together.
    ///
    /// - Returns: where it is now: `PATH.corrupt-N` with the first free N, the last when all are taken.
    static func moveAside(_ path: String) throws(HistoryError) -> String {
        let names = (1...HistoryLimits.corruptCopies).map { "\(path).corrupt-\($0)" }
        let free = names.first { !FileManager.default.fileExists(atPath: $0) }
        let target = free ?? "\(path).corrupt-\(HistoryLimits.corruptCopies)"
        do {
            for suffix in ["-wal", "-shm", ""] {
                if FileManager.default.fileExists(atPath: target + suffix) {
                    try FileManager.default.removeItem(atPath: target + suffix)
                }
                if FileManager.default.fileExists(atPath: path + suffix) {
                    try FileManager.default.moveItem(atPath: path + suffix, toPath: target + suffix)
                }
            }
        } catch {
            throw .cannotMoveAside(path: path, reason: HistoryError.reason(of: error))
        }
        return target
    }
}
