/// The limits of the process edge: children, sockets, polling and notifications.
package enum EdgeLimits {
    /// Descriptors that a child gets, 0 to 2 included; the C side works on a table of this size.
    package static let childDescriptors = 64
    /// From clone3(2) to execve(2): past this the spawn counts as stuck.
    package static let spawnDeadline: Duration = .seconds(10)
    /// Events that one wait of an epoll answers with; the rest come with the next.
    package static let eventsPerWait = 256
    /// Signals that one drain of the signalfd answers with.
    package static let signalsPerDrain = 32
    /// Unknown children that are reaped in one go.
    package static let strangersPerSweep = 256
    /// Passes over a tree until no process is new: a tree that still grows then is forking faster than it is stopped.
    package static let treePasses = 8
    /// Bytes of /proc/PID/task/TID/children that are read at a time.
    package static let procReadBytes = 4096
    /// Bytes of /proc/PID/environ that are searched for the worker's mark.
    package static let environmentBytes = 256 * 1024
    /// Processes of a slot's trees that are remembered until what they left behind has been swept.
    package static let recordedProcesses = 4096
    /// Supervised processes of a slot whose groups are remembered.
    package static let recordedRoots = 64
    /// Files that one sweep of /dev/shm looks at.
    package static let sweptFiles = 16384
    /// GPUs that are looked at.
    package static let devices = 64
    /// Processes of one GPU that are looked at.
    package static let deviceProcesses = 16384
    /// Clients that wait to be accepted.
    package static let listenBacklog: Int32 = 512
    /// Bytes of one datagram on a worker's NOTIFY_SOCKET; systemd's own maximum.
    package static let notificationBytes = 4096
    /// Datagrams that one drain of a worker's NOTIFY_SOCKET answers with.
    package static let notificationsPerDrain = 64
    /// Supplementary groups of a peer or a user that are read.
    package static let groups = 65536
    /// Bytes for an entry of the user database.
    package static let userEntryBytes = 1024 * 1024
    /// Fields of one journal entry.
    package static let journalFields = 64
    /// Descriptors that are taken over from the service manager's store.
    package static let storedDescriptors = 4096
}
