internal import CWardenLinux
internal import Glibc

extension DaemonProcess {
    /// Ends the process.
    ///
    /// - Parameter code: the exit code, 0 to 255.
    package static func exit(_ code: Int32) -> Never {
        Glibc.exit(code)
    }

    /// Executes this very binary anew with the same arguments: the pid stays, everything else begins again.
    ///
    /// Descriptors are all close-on-exec then; only blocked signals would be inherited, and the new life blocks them
    /// anyway.
    ///
    /// - Returns: only when that failed: why.
    package static func executeAnew() -> KernelFailure {
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        // The event loop's are not by themselves.
        warden_keep_standard_streams_alone()
        _ = execv("/proc/self/exe", arguments)
        let cause = errno
        for argument in arguments { free(argument) }
        return KernelFailure("execute", "/proc/self/exe", cause)
    }
}

extension HostFiles {
    /// A path that stays true when the working directory changes.
    ///
    /// - Parameter path: any path.
    package static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let base = currentDirectory()
        return base == "/" ? "/" + path : "\(base)/\(path)"
    }
}
