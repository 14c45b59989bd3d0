import WardenCore
import WardenWire

/// The values that answers are made of, as Wire writes them.
///
/// A test holds each to what is really answered.
enum APISchemas {
    /// By name.
    static let all: [(String, APISchema)] = [
        ("Problem", problem), ("Worker", worker), ("Health", health), ("Evidence", evidence), ("Restart", restart),
        ("Why", why), ("Trend", trend), ("Probe", probe), ("Demand", demand), ("Budget", budget),
        ("Observed", observed), ("Incident", .members(incident)),
        ("IncidentWithForensics", .members(incident + [("forensics", .orNull(.named("Forensics")))])),
        ("Forensics", forensics), ("KindCount", kindCount), ("Descriptors", descriptors), ("Drill", drill),
        ("Samples", samples), ("Done", done), ("Outcomes", outcomes),
        ("Daemon", daemon), ("Containment", containment), ("Alert", alert), ("AlertTest", alertTest),
    ]

    private static let problem = APISchema.members([
        ("type", .string), ("title", .string), ("status", .integer(400...599)), ("detail", .string),
    ]).about("RFC 9457.")

    private static let daemon = APISchema.members([
        ("pid", .pid), ("identifier", .string), ("version", .string),
        ("state", .choice([DaemonMood.running, .restarting, .shuttingDown].map(\.word))), ("started_at", .time),
        ("doubts", texts),
        ("shortages", texts),
    ]).about("Texts for people; both lists are empty when all is well.")

    private static let alert = APISchema.members([
        ("name", .name), ("format", .choice(WebhookFormat.allCases.map(\.rawValue))),
        ("address", APISchema.string.about("Scheme and host; the rest of the URL is a secret.")), ("events", texts),
        ("has_secret", .flag),
    ])

    private static let alertTest = APISchema.members([
        ("name", .name), ("address", .string), ("delivered", .flag),
        ("reason", APISchema.orNull(.string).about("Why it did not arrive.")),
    ])

    // MARK: Workers

    private static let worker = APISchema.members([
        ("name", .name), ("group", .name), ("state", .choice(ProcessState.allCases.map(\.word))),
        ("pid", .orNull(.pid)),
        ("exit_status", .orNull(.integer).about("The exit code, or the signal's number with a minus.")),
        ("generation", .count), ("uptime_seconds", .orNull(.seconds)),
        ("health", .orNull(.named("Health")).about("null for a worker that does not run.")),
        ("fds", .orNull(.count)), ("fd_limit", .orNull(.count)), ("fd_pid", .orNull(.pid)),
        ("rss_bytes", .orNull(.count)), ("heartbeat_age_seconds", .orNull(.seconds)), ("restarts", .count),
        ("last_restart", .orNull(.named("Restart"))),
    ]).about("A reading that is not there is null.")

    private static let className = APISchema.choice(Condition.precedence.map(\.className).unrepeated)
    private static let cause = APISchema.orNull(.choice(Condition.precedence.compactMap(\.causeName).unrepeated))
    private static let grade = APISchema.choice(["weak", "strong", "proven"])
    private static let outcome = APISchema.orNull(.choice(["recovered", "unhelped", "gave-up", "superseded"]))
    private static let value = APISchema.either([.number, .string])

    private static let health = APISchema.members([
        ("class", className), ("cause", cause), ("grade", grade), ("since", .time),
        ("evidence", .list(.named("Evidence"))),
    ])

    private static let evidence = APISchema.members([("rule", .string), ("value", value), ("threshold", value)])

    private static let restart = APISchema.members([
        ("at", .time), ("reason", APISchema.name.about("A class/cause, exit, user or config.")), ("outcome", outcome),
        ("recovered_seconds", .orNull(.seconds)),
    ])

    private static let why = APISchema.members([
        ("worker", .named("Worker")), ("taken_at", .time), ("reason", .orNull(.string)),
        ("last_line", .orNull(.string)), ("spawn_error", .orNull(.string)), ("pending_action", .orNull(.string)),
        ("drill", .orNull(.named("Drill"))), ("health_paused", .flag), ("health_paused_seconds", .orNull(.seconds)),
        ("trend", .orNull(.named("Trend"))), ("probe", .orNull(.named("Probe"))),
        ("demand", .orNull(.named("Demand"))), ("incidents", .list(.named("Incident"))),
        ("budgets", .list(.named("Budget"))), ("decision", .string), ("held_back_by", .list(.string)),
        ("unconfirmed", .list(.string)),
        ("outlook", .list(.members([("text", .string), ("at", .orNull(.time))]))),
        ("timeline", .list(.members([("at", .time), ("kind", timelineKind), ("text", .string)]))),
        ("observed", .named("Observed")), ("containment", .orNull(.named("Containment"))),
    ])

    private static let containment = APISchema.members([
        ("kill_tree", .flag), ("cgroup", .orNull(.string)), ("no_cgroup_because", .orNull(.string)),
        ("processes", .orNull(.count)), ("memory_bytes", .orNull(.count)), ("memory_max_bytes", .orNull(.count)),
        ("memory_kills", .orNull(.count)), ("tasks", .orNull(.count)), ("tasks_max", .orNull(.count)),
        ("refused_tasks", .orNull(.count)), ("no_limits_because", .orNull(.string)),
        ("cpu_pressure_percent", .orNull(.amount)),
        ("memory_pressure_percent", .orNull(.amount)), ("io_pressure_percent", .orNull(.amount)),
    ]).about("What holds the tree of a worker that runs together.")

    private static let timelineKind = APISchema.choice(["start", "verdict", "decision", "hold", "outcome", "order"])

    private static let trend = APISchema.members([
        ("per_hour", .number), ("seconds_to_limit", .orNull(.seconds)), ("observed_seconds", .seconds),
    ]).about("How the number of descriptors moves.")

    private static let probe = APISchema.members([
        ("answer", .orNull(.choice(["good", "bad", "not-asked"]))), ("reason", .orNull(.string)),
        ("failures", .count), ("failures_needed", .count), ("asked_at", .orNull(.time)),
    ])

    private static let demand = APISchema.members([
        ("amount", .orNull(.amount)), ("reason", .orNull(.string)), ("asked_at", .orNull(.time)),
    ]).about("How much work waits; null when that is not known.")

    private static let budget = APISchema.members([
        ("class", className), ("cause", cause), ("spent", .count), ("allowed", .count), ("exhausted", .flag),
    ])

    private static let observed = APISchema.members([
        ("program", .string), ("watched_seconds", .seconds), ("generations", .count), ("line_times", .count),
        ("longest_silence_seconds", .orNull(.seconds)), ("progress_times", .count),
        ("longest_progress_gap_seconds", .orNull(.seconds)), ("longest_first_progress_seconds", .orNull(.seconds)),
        ("fds", .count), ("fd_limit", .orNull(.count)), ("rss_bytes", .count),
    ]).about("The extremes that were seen.")

    private static let kindCount = APISchema.members([("kind", .string), ("count", .count)])

    private static let descriptors = APISchema.members([
        ("worker", .name), ("pid", .pid), ("fds", .count), ("fd_limit", .orNull(.count)),
        ("fd_hard_limit", .orNull(.count)), ("kinds", .list(.named("KindCount"))),
        ("trend", .orNull(.named("Trend"))),
    ])

    private static let samples = APISchema.members([
        ("worker", .name),
        (
            "blocks",
            .list(
                .members([
                    ("sequence", .count), ("from", .time), ("to", .time), ("samples", .count),
                    ("data", APISchema.string.about("Base64.")),
                ]))
        ),
        ("next", APISchema.orNull(.count).about("For `after` of the next request; null when there is no more.")),
    ])

    // MARK: Incidents

    private static let incident: [(String, APISchema)] = [
        ("id", .name), ("worker", .name), ("generation", .count), ("at", .time), ("class", className),
        ("cause", cause), ("grade", grade), ("evidence", .list(.named("Evidence"))),
        ("action", .choice(HealthAction.allCases.map(\.rawValue))),
        ("outcome", outcome.about("null while it is open.")), ("recovered_seconds", .orNull(.seconds)),
        ("since", .time), ("held_back_by", .orNull(.string)), ("fingerprint", .orNull(.string)),
        ("recurrence", .orNull(.members([("same_as", .name), ("time", .count)]))), ("reason", .string),
    ]

    private static let texts = APISchema.list(.string)

    private static let forensics = APISchema.members([
        ("kinds", .list(.named("KindCount"))), ("processes", texts), ("last_lines", texts),
        ("command_output", .string), ("threads", texts), ("stacks", texts), ("python_stacks", texts),
        ("limits", texts), ("pressure", texts), ("gaps", texts),
    ])

    // MARK: Changes

    private static let drill = APISchema.members([
        ("worker", .name), ("kind", .choice(DrillKind.allCases.map(\.rawValue))), ("act", .flag),
        ("started_at", .time), ("limit_seconds", .seconds), ("means", .string),
        ("class", .orNull(className)), ("cause", cause), ("grade", .orNull(grade)), ("reason", .orNull(.string)),
        ("detected_after_seconds", .orNull(.seconds)), ("decision", .orNull(.string)),
        ("incident", .orNull(.string)), ("outcome", outcome), ("recovered_seconds", .orNull(.seconds)),
        ("end", APISchema.orNull(.string).about("null while it goes on.")),
    ])

    private static let done = APISchema.members([("done", .object([("const", .bool(true))]))])

    private static let outcomes = APISchema.members([
        (
            "outcomes",
            .list(.members([("worker", .name), ("done", .flag), ("error", .orNull(.string))]))
        )
    ]).about("What came of each worker of a group.")
}

extension [String] {
    /// Each once, where it comes first.
    fileprivate var unrepeated: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
