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
    /// Of those places, eighths that clients over TCP do not get: however many they are, who is on a Unix socket is
    /// served.
    package static let eighthsKeptFromNetwork = 3
    /// Of those places, eighths that are kept for root and the daemon's own user.
    package static let eighthsKeptForOwner = 1
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
    /// A connection whose client does not send its request, or does not read its answer, is closed for another's sake
    /// after this.
    package static let evictableWait: Duration = .seconds(5)
    /// From accept(2) to the end of the first request's head, the TLS handshake included.
    package static let firstRequestTimeout: Duration = .seconds(60)
    /// From the first byte of a request to the end of its head.
    package static let headTimeout: Duration = .seconds(10)
    /// From a request's head to the end of its body.
    package static let bodyTimeout: Duration = .seconds(15)
    /// Between two looks at an answer that a client does not read.
    package static let stallPause: Duration = .seconds(30)
    /// Looks in a row at which it had read nothing worth mention; then it is hung up on. Long, because somebody who has
    /// stopped the terminal of a `tail -f` may come back.
    package static let stalledLooks = 10
    /// Bytes that are worth mention.
    package static let stallBytes = 32 * 1024
    /// A client has so long to read the last answer and to hang up by itself.
    package static let lingerTimeout: Duration = .seconds(2)
    /// Bytes of a refused request that are read and thrown away, so that the client gets to read why.
    package static let discardedBytes = 8 * 1024 * 1024
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
    /// The latest events that are kept for those who come, or come back.
    package static let rememberedEvents = 1024
    /// Events that wait for one follower.
    package static let waitingEvents = 1024
    /// Clients of `/api/v1/events` at once.
    package static let eventFollowers = 64
    /// When nothing happens, a line says so this often, by which both sides notice that the other is gone.
    package static let eventPause: Duration = .seconds(15)
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
    /// Bytes of a file with a certificate or a key.
    package static let certificateBytes = 1024 * 1024
    /// Wrong passwords of one source (an address, a user) that are compared at once.
    package static let guessesAtOnce = 30
    /// Wrong passwords of one source that are compared each second after that.
    package static let guessesPerSecond = 1.0
    /// Sources whose wrong passwords are counted.
    package static let guessSources = 1024
    /// After a wrong password the hashing thread rests for so many times as long as it took, so that a flood of them
    /// costs a quarter of a core.
    package static let wrongPasswordRest = 3
    /// The longest such rest.
    package static let longestPasswordRest: Duration = .seconds(1)
}
