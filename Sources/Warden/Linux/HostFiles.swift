internal import CWardenLinux
internal import Glibc
internal import WardenCore

/// What a configuration needs to know of the host: files, directories, names.
package enum HostFiles {
    /// The largest file that is read whole.
    package static let readLimitBytes = 16 * 1024 * 1024

    /// Reads a file whole.
    ///
    /// - Parameter path: the file.
    /// - Returns: its bytes, or why not; EFBIG past `readLimitBytes`.
    package static func read(_ path: String) -> Result<[UInt8], KernelFailure> {
        do throws(KernelFailure) {
            let file = try Descriptor.open(path, O_RDONLY)
            var contents: [UInt8] = []
            while contents.count <= readLimitBytes {
                var failure: KernelFailure?
                let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                    do throws(KernelFailure) {
                        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer)) ?? 0
                    } catch {
                        failure = KernelFailure("read", path, error.errorNumber)
                    }
                }
                if let failure { throw failure }
                if chunk.isEmpty { return .success(contents) }
                contents += chunk
            }
            throw KernelFailure("read", path, EFBIG)
        } catch {
            return .failure(error)
        }
    }

    /// Files that match a pattern of glob(7), sorted.
    package static func glob(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard Glibc.glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in found.gl_pathv[index].map { String(cString: $0) } }
    }

    /// Whether a path leads to a directory.
    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether a path leads anywhere.
    package static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Whether a path leads to a file that somebody may execute.
    package static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o111 != 0
    }

    /// A user's home directory; empty stands for the daemon's own user. `nil` when there is none.
    package static func homeDirectory(of user: String) -> String? {
        if user.isEmpty, let home = getenv("HOME") { return String(cString: home) }
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let status =
            user.isEmpty
            ? getpwuid_r(getuid(), &entry, &buffer, buffer.count, &result)
            : getpwnam_r(user, &entry, &buffer, buffer.count, &result)
        guard status == 0, let found = result, let home = found.pointee.pw_dir else { return nil }
        return String(cString: home)
    }

    /// The daemon's own variables.
    package static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        guard var place = warden_environment() else { return variables }
        while let entry = place.pointee {
            let text = String(cString: entry)
            if let separator = text.firstIndex(of: "=") {
                variables[String(text[..<separator])] = String(text[text.index(after: separator)...])
            }
            place += 1
        }
        return variables
    }

    /// The host's name, as uname(2) has it.
    package static func nodeName() -> String {
        var names = utsname()
        guard uname(&names) == 0 else { return "localhost" }
        return withUnsafeBytes(of: &names.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The daemon's working directory; `/` when it is gone.
    package static func currentDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The daemon's effective user.
    package static func userID() -> UInt32 { geteuid() }
}

/// The daemon's standard output.
package enum StandardOutput {
    /// Writes a text, as far as that goes: nobody can be told when it does not.
    package static func write(_ text: String) { writeAll(text, to: STDOUT_FILENO) }

    /// Writes a text unless whoever reads it does not: a terminal that was stopped, a pipe or socket that is full.
    ///
    /// - Parameters:
    ///   - text: what to write.
    ///   - patience: how long to wait for room.
    /// - Returns: false when it was not taken, or not the whole of it; the rest is dropped.
    package static func offer(_ text: String, within patience: Duration) -> Bool {
        var rest = text[...]
        while !rest.isEmpty {
            var entry = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            guard poll(&entry, 1, Int32(clamping: patience.inNanoseconds / 1_000_000)) > 0 else { return false }
            // A pipe that has room takes so much without waiting.
            let piece = rest.prefix(1024)
            writeAll(String(piece), to: STDOUT_FILENO)
            rest = rest.dropFirst(piece.count)
        }
        return true
    }
}

/// The daemon's standard error.
package enum StandardError {
    /// Writes a text, as far as that goes: nobody can be told when it does not.
    package static func write(_ text: String) { writeAll(text, to: STDERR_FILENO) }
}

private func writeAll(_ text: String, to descriptor: CInt) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if written > 0 {
            rest = rest.dropFirst(written)
        } else if errno != EINTR {
            return
        }
    }
}

extension HostFiles {
    /// Another number for an open file, with FD_CLOEXEC, for somebody who will close it himself.
    ///
    /// - Parameter descriptor: an open descriptor, which stays the caller's.
    /// - Throws: EMFILE when the table is full.
    package static func duplicate(_ descriptor: CInt) throws(KernelFailure) -> CInt {
        try Kernel.retry("duplicate", "descriptor \(descriptor)") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
    }

    /// Removes the files of a directory whose names satisfy a condition. What cannot be removed stays.
    ///
    /// - Parameters:
    ///   - directory: where.
    ///   - isUnwanted: by the file's name.
    package static func remove(in directory: String, where isUnwanted: (String) -> Bool) {
        guard let stream = opendir(directory) else { return }
        defer { _ = closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if isUnwanted(name) { _ = unlink("\(directory)/\(name)") }
        }
    }
}
