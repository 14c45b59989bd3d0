/// The core's limits. Every window, queue and text in it has its maximum here.
package enum Limits {
    /// M of `confirm`: samples that a sampled rule remembers.
    package static let confirmWindow = 64
    /// Error episodes that a worker's window remembers.
    package static let errorEpisodes = 64
    /// Restarts that a budget remembers per slot and cause.
    package static let budgetRestarts = 100
    /// Processes of one tree that are read.
    package static let treeProcesses = 512
    /// Bytes of a line that are quoted in a fact, a reason or an alert.
    package static let quotedLineBytes = 512
    /// Incidents that the core remembers per slot, for `why`.
    package static let rememberedIncidents = 16
    /// Requests that wait for a worker to start or stop, in all.
    package static let waitingRequests = 1024
    /// Names of workers that one word of the status line shows.
    package static let statusNames = 3
    /// Beyond the longest `stopwaitsecs` of a tier, what the daemon asks of systemd to wait for it.
    package static let stopMargin: Duration = .seconds(15)
    /// Bytes of events that wait in one pool, whatever its `buffer_size`.
    package static let poolBytes = 64 * 1024 * 1024
    /// How long the end of the daemon waits for listeners to take the events that wait for them.
    package static let lastHearing: Duration = .seconds(1)
    /// Slots that one daemon supervises.
    package static let slots = 16384
    /// `unhelped` so often in a row stops restarting for that cause.
    package static let unhelpedInARow = 3
    /// Shortest time between two questions about demand.
    package static let demandInterval: Duration = .seconds(10)
    /// How long the demand command may take.
    package static let demandTimeout: Duration = .seconds(5)
    /// A worker that stayed healthy this long starts again with the first backoff.
    package static let backoffResetAfter: Duration = .seconds(600)
    /// Error lines within this time of each other are one episode.
    package static let episodeSpan: Duration = .seconds(1)
    /// The longest delay between failed starts without `restart_delay` and `max_backoff`.
    package static let linearBackoff: Duration = .seconds(60)
    /// The longest pause before a start is tried again that failed for want of descriptors, memory or processes.
    package static let shortageBackoff: Duration = .seconds(5)
    /// The longest delay with `restart_delay` and without `max_backoff`.
    package static let doublingBackoff: Duration = .seconds(300)
    /// The highest soft limit of descriptors that first aid gives: the kernel's default fs.nr_open.
    package static let aidedDescriptors = 1_048_576
    /// How long the answer to first aid is waited for. It comes in the same turn of the shell.
    package static let aidDeadline: Duration = .seconds(1)
    /// A turn of the shell that comes so much too late is a reason to doubt ourselves.
    package static let lateTurn: Duration = .seconds(2)
    /// Starts of the daemon within a minute, after crashes, that say nothing against it.
    package static let startsInAMinute = 3
    /// How long a daemon that was started more often does not act by itself: it may be what it does that kills it.
    package static let doubtAfterRestlessness: Duration = .seconds(600)
    /// How long that doubt stays after the last late turn.
    package static let doubtAfterLateTurn: Duration = .seconds(10)
    /// A host that slept for so long has slept.
    package static let noticedSuspension: Duration = .seconds(1)
    /// How long that doubt stays: connections time out and are made anew.
    package static let doubtAfterSuspension: Duration = .seconds(30)
    /// PSI memory `full` of the last ten seconds that is pressure, in percent.
    package static let memoryPressurePercent = 20.0
    /// How long the host must be at ease for a doubt because of its pressure to end.
    package static let doubtAfterPressure: Duration = .seconds(10)
    /// A host that is pressed for longer is so always, and we act there all the same.
    package static let longestPressureDoubt: Duration = .seconds(900)
    /// Workers that turn bad alike within this time share a cause, unless `shared_cause` says otherwise.
    package static let sharedCauseWindow: Duration = .seconds(60)
    /// So many of them anywhere; or two that are more than half of a group.
    package static let sharedCauseWorkers = 3
    /// When a canary has not helped, the others are left alone so long; then one of them is tried.
    package static let sharedCauseRetry: Duration = .seconds(3600)
    /// Between two questions whether a worker with `ready = probe` is ready.
    package static let readinessInterval: Duration = .seconds(1)
    /// Kinds of descriptors of a census that are compared with a later one.
    package static let fingerprintKinds = 16
    /// A kind has grown when there are so many more of it.
    package static let fingerprintRise = 4
    /// Kinds that a leak's evidence names.
    package static let fingerprintShown = 3
    /// Former lives of a slot that its worker is compared with.
    package static let formerLives = 2
    /// Siblings that a growing worker is compared with.
    package static let comparedSiblings = 8
    /// So long after a progress line a worker still counts as between two jobs.
    package static let idleMoment: Duration = .seconds(2)
    /// Earlier incidents with the same fingerprint that are counted.
    package static let countedRecurrences = 1000
    /// Samples in a row in which a tree stands still before its waits are read.
    package static let stillSamples = 3
    /// Between the two reports of waits that prove a deadlock, at least.
    package static let waitProofSpan: Duration = .seconds(10)
    /// After a report that proves nothing; doubles with each one while the tree stands still.
    package static let waitPauseFirst: Duration = .seconds(30)
    /// The longest such pause.
    package static let waitPauseLongest: Duration = .seconds(600)
    /// After a question that was not answered, and between two looks at what is proven.
    package static let waitPauseUnanswered: Duration = .seconds(60)
    /// Threads of one tree whose waits are read; of a larger tree nothing is proven.
    package static let waitThreads = 1024
    /// As the kernel's own hung-task check: in state D for this long is no slow disk any more.
    package static let uninterruptibleAfter: Duration = .seconds(120)
    /// Where `heartbeat_timeout` is not set: the length of a window in which lines are looked for.
    package static let learningWindow: Duration = .seconds(300)
    /// So many windows in a row with lines, and silence can be judged by what was learned.
    package static let learningWindows = 3
    /// Silence counts from so many times the longest gap that was seen between two lines.
    package static let learnedGapFactor = 3
    /// Silence that was learned is never shorter.
    package static let learnedSilenceFloor: Duration = .seconds(600)
    /// What `why` remembers of a slot's verdicts and decisions.
    package static let chronicleEntries = 16
    /// A drill that is not told how long it may last lasts at least so long.
    package static let drillShortest: Duration = .seconds(120)
    /// How long one look at an old tree before the next start may take; a look that is not answered then says nothing.
    package static let respawnAnswer: Duration = .seconds(5)
    /// Until the second look; doubles with each one.
    package static let respawnPauseFirst: Duration = .milliseconds(20)
    /// The longest pause between two looks.
    package static let respawnPauseLongest: Duration = .seconds(1)
    /// How long `shm_sweep` alone waits for what is dying.
    package static let sweepWait: Duration = .seconds(1)
    /// A start that waits for longer is told of in the log and the time line.
    package static let respawnTold: Duration = .seconds(1)
    /// Between two looks at what keeps a slot in quarantine.
    package static let quarantineLook: Duration = .seconds(10)
    /// Between two SIGKILLs to a process that is in quarantine because it does not die.
    package static let undyingKillInterval: Duration = .seconds(60)
    /// Workers that are looked over at a time because people are told of them; of more they are told without.
    package static let examinations = 2
    /// Beyond `forensics_budget`, until another may be looked over.
    package static let examinationMargin: Duration = .seconds(5)
    /// Pids that a text about an old tree names.
    package static let shownProcesses = 3
    /// No drill lasts longer.
    package static let drillLongest: Duration = .seconds(3600)
}
