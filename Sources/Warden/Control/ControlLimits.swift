/// The limits of the control room.
///
/// Every body, header, wait and count in it has its maximum here.
package enum ControlLimits {
    /// Bytes of a request's body: a call of supervisorctl is under 1 KiB, a `multicall` for 1,000 workers under 1 MiB.
    package static let bodyBytes = 1024 * 1024
    /// Bytes of one header field, and of all of a request's.
    package static let headerBytes = 32 * 1024
    /// Header fields of one request.
    package static let headerCount = 128
    /// Connections that are served at once; beyond it the longest idle one is closed, then new ones get 503.
    package static let connections = 256
    /// Connections that are served at once when the daemon is short of descriptors.
    package static let connectionsWhenShort = 4
    /// Connections that are being told 503; beyond it they are closed without a word.
    package static let shedConnections = 16
    /// A connection without a request is closed after this.
    ///
    /// Long, because clients of supervisord keep theirs: Python scripts that poll every few minutes do not expect the
    /// server to hang up, and fail when it does.
    package static let idleTimeout: Duration = .seconds(3600)
    /// A connection is closed for another's sake only when it has been idle for this long: the request of a younger one
    /// may be on its way.
    package static let evictableIdle: Duration = .seconds(1)
    /// From a request's head to the end of its body.
    package static let bodyTimeout: Duration = .seconds(30)
    /// A shed connection that does not hang up by itself is closed after this.
    package static let shedLinger: Duration = .seconds(1)
    /// Time that requests in progress have when the server stops.
    package static let drainTimeout: Duration = .seconds(1)
    /// Time that requests in progress have when another binary is to take over.
    package static let standstillTimeout: Duration = .seconds(1)
    /// `/livez` gives up on the shell after this.
    package static let livenessTimeout: Duration = .seconds(5)
    /// After EMFILE accept(2) is tried again this much later, with the reserved descriptor given up.
    package static let shedPause: Duration = .milliseconds(10)
    /// After EMFILE accept(2) is tried again this much later when there is no reserve left to give up.
    package static let acceptPause: Duration = .seconds(1)
    /// Between two log lines about refused connections.
    package static let complaintPause: Duration = .seconds(60)
    /// Bytes of a log in one answer; what is asked beyond it is left out.
    package static let logBytes = 16 * 1024 * 1024
    /// Bytes of a log that one turn of `tail -f` sends.
    package static let followBytes = 256 * 1024
    /// Bytes before the end at which `tail -f` begins, as supervisord's.
    package static let followHeadBytes = 1024
    /// Between two looks of `tail -f` at its file.
    package static let followPause: Duration = .milliseconds(250)
    /// Clients of `tail -f` at once.
    package static let followers = 64
    /// Threads that read logs: a stuck disk holds them and nothing else.
    package static let logThreads = 2
    /// Log reads that wait for such a thread.
    package static let waitingLogReads = 64
    /// Calls in one `system.multicall`.
    package static let multicallCount = 1024
    /// Incidents in one answer.
    package static let incidents = 1000
    /// Blocks of recorded samples in one answer.
    package static let records = 128
    /// New listeners that wait to be served.
    package static let pendingOrders = 64
    /// Fields of a form.
    package static let formFields = 64
    /// Bytes of a form in a request's body.
    package static let formBytes = 16 * 1024
    /// Characters of a message that an address gives to the page.
    package static let messageCharacters = 1000
    /// Bytes of a log in `/tail.html`: a browser has to lay them out.
    package static let pageLogBytes = 1024 * 1024
    /// Characters of a worker's last line on the page.
    package static let pageLineCharacters = 300
    /// Passwords that wait to be hashed; beyond it clients get 503.
    package static let waitingPasswords = 16
    /// Right passwords that are remembered: one for each listener.
    package static let rightPasswords = 32
    /// Wrong passwords that are remembered.
    package static let wrongPasswords = 128
    /// After a wrong password the hashing thread rests for so many times as long as it took, so that a flood of them
    /// costs a quarter of a core.
    package static let wrongPasswordRest = 3
    /// The longest such rest.
    package static let longestPasswordRest: Duration = .seconds(1)
}
