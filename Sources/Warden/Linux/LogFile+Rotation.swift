internal import Glibc
internal import WardenCore

/// Rotation as supervisord does it: `NAME.1` is the newest, a record is never split, the oldest goes.
extension LogFile {
    // /dev/stdout may be a regular file; renaming a link in /dev would harm more than this log.
    internal var isSpecialPath: Bool { Self.isSpecial(path) }

    internal static func isSpecial(_ path: String) -> Bool {
        path.hasPrefix("/proc/") || path.hasPrefix("/dev/") && !path.hasPrefix("/dev/shm/")
    }

    internal func rotateIfDue() {
        guard maximumBytes > 0, offset >= rotationAtBytes, sink == .file, !isSpecialPath else { return }
        guard endsWithLine || offset >= rotationAtBytes + Int64(LogFileLimits.unendedLineBytes) else { return }
        if backupCount == 0 {
            if ftruncate(number, 0) == 0 { offset = 0 } else { rotationAtBytes = offset + maximumBytes }
            return
        }
        let place: LogPlace
        do throws(KernelFailure) {
            place = try LogPlace(path)
        } catch {
            trouble = error.errorNumber
            rotationAtBytes = offset + maximumBytes
            return
        }
        let plain = shift(place)
        guard place.rename(place.name, "\(place.name).1") else {
            // Without the right to rename, the log goes on growing; better than losing it.
            trouble = errno
            rotationAtBytes = offset + maximumBytes
            return
        }
        do throws(KernelFailure) {
            try openAnew(truncated: true)
        } catch {
            trouble = error.errorNumber
            mustReopen = true
            rotationAtBytes = offset + maximumBytes
        }
        // The newest last: should not all be taken, it is the one that comes again soonest.
        for index in plain + [1] { offer(index, place) }
    }

    /// Makes room for a new `NAME.1`.
    ///
    /// - Returns: the numbers of the files that are not compressed, oldest first; only where they are to be.
    private func shift(_ place: borrowing LogPlace) -> [Int] {
        let name = place.name
        let compresses = compress != nil
        if compresses {
            // A file of one kind would not be replaced by one of the other: there would be one more than are kept.
            _ = place.remove("\(name).\(backupCount)")
            _ = place.remove("\(name).\(backupCount).gz")
        }
        var plain: [Int] = []
        var index = backupCount - 1
        while index >= 1 {
            // Most of them do not exist yet.
            if place.rename("\(name).\(index)", "\(name).\(index + 1)") { plain.append(index + 1) }
            if compresses { _ = place.rename("\(name).\(index).gz", "\(name).\(index + 1).gz") }
            index -= 1
        }
        return compresses ? plain : []
    }

    /// Gives a rotated file away to be compressed. One that is not taken has its turn with the next rotation.
    private func offer(_ index: Int, _ place: borrowing LogPlace) {
        guard let compress else { return }
        let (base, name) = (place.directory.rawValue, "\(place.name).\(index)")
        let descriptor: Descriptor
        do throws(KernelFailure) {
            let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
            descriptor = Descriptor(owning: try Kernel.retry("open", name) { openat(base, name, flags) })
        } catch {
            return
        }
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            compressing.insert(UInt64(status.st_ino)).inserted
        else { return }
        let file = RotatedFile(
            log: path, backupCount: backupCount, descriptor: descriptor.take(), device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino))
        if !compress(file) { compressing.remove(UInt64(status.st_ino)) }
    }
}
