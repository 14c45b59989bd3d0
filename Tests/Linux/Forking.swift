import Glibc

/// Makes a copy of the test's process, which a test may end with SIGKILL. In exit tests alone: only the calling thread
/// lives on in the child.
enum Forking {
    private typealias Call = @convention(c) () -> pid_t

    /// Runs `body` in a child, which is killed by itself should `body` return.
    static func child(_ body: () -> Void) -> pid_t? {
        // Swift declares it unavailable.
        guard let symbol = dlsym(nil, "fork") else { return nil }
        let pid = unsafeBitCast(symbol, to: Call.self)()
        if pid != 0 { return pid > 0 ? pid : nil }
        body()
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
