import WardenWire

/// The commands, and how each is used.
package enum CommandName: String, Hashable, Sendable, CaseIterable {
    case add, alert, avail, check, clear, drill, events, exit, fds
    case foreground = "fg"
    case hashPassword = "hash-password"
    case help, incident, incidents, maintail, open
    case pauseHealth = "pause-health"
    case pid, quit, reload, remove, replay, reread, restart
    case resumeHealth = "resume-health"
    case shutdown, signal, start, status, stop, tail, tune, update, upgrade, version, why
    case end = "EOF"

    /// Those with a dash, which supervisorctl's rule would cut in two.
    package static let dashed = Set(allCases.map(\.rawValue).filter { $0.contains("-") })

    /// How it is used, a line for each form.
    package var help: [String] {
        switch self {
        case .add: ["add <group> [...]\tStart what a reread found for these groups"]
        case .alert:
            [
                "alert [--json]\t\tList whom the daemon tells of incidents",
                "alert test <name> [...]\tTell them now, of nothing, and say whether it arrived",
            ]
        case .avail: ["avail\t\t\tList what is configured, in use or not"]
        case .check:
            [
                "check [<file>]\t\t\tCheck a configuration, as warden --check does",
                "check --from-supervisor <file>\tSay of every line what Warden makes of it: the same, better, ignored "
                    + "or refused",
            ]
        case .clear: ["clear <name> [...]\tEmpty the logs of these processes", "clear all\t\tEmpty all logs"]
        case .drill:
            [
                "drill <name> emfile|hang|spin|silence|memory\tProve what Warden would do; nothing is done",
                "drill <name> <kind> --act [--for 5m]\tThe same, and what is decided is done",
                "drill <name> stop\t\t\tEnd a drill",
                "drill ... [--json]\t\t\tPrint how it went as JSON",
                "emfile lowers the worker's limit of descriptors and restores it; the others only pretend.",
            ]
        case .events:
            [
                "events [<name> ...] [--json]\tWhat happened lately: states, verdicts, incidents",
                "events -f [<name> ...] [--json]\tThe same, and what happens from now on, until Ctrl-C",
            ]
        case .exit, .quit: ["\(rawValue)\tLeave the shell"]
        case .end: ["Ctrl-D leaves the shell"]
        case .fds: ["fds <name> [--json]\tCount a worker's descriptors by kind, with their limit and trend"]
        case .foreground:
            ["fg <name>\tShow both outputs of a process and type to it, until Ctrl-C or Ctrl-D"]
        case .help: ["help\t\tList the commands", "help <command>\tSay how a command is used"]
        case .hashPassword:
            ["hash-password\tRead a password from standard input and print it as a configuration may keep it"]
        case .incident: ["incident <id> [--json]\tOne incident with all that was found before the worker was ended"]
        case .incidents: ["incidents [<name>] [--limit N] [--json]\tWhat Warden saw and did lately, newest first"]
        case .maintail:
            [
                "maintail [-<bytes>]\tThe end of the daemon's own log, 1600 bytes if not told",
                "maintail -f\t\tFollow the daemon's own log until Ctrl-C",
            ]
        case .open: ["open <url>\tTalk to another daemon: http://host:port or unix:///path"]
        case .pauseHealth: ["pause-health <name> [...] [--for 2h]\tShow verdicts but do not act on them"]
        case .resumeHealth: ["resume-health <name> [...]\tAct on verdicts again"]
        case .pid:
            [
                "pid\t\t\tThe daemon's process id", "pid <name> [...]\tThe process ids of these processes",
                "pid all\t\t\tThe process ids of all processes",
            ]
        case .reload: ["reload\t\tStop everything and start the daemon anew in place"]
        case .remove: ["remove <group> [...]\tForget these stopped groups"]
        case .replay:
            [
                "replay <name> [--config FILE] [--set KEY=VALUE ...] [--since 2d] [--json]",
                "What was recorded of a worker, through the configuration as it is now, through FILE's, or with other",
                "thresholds and actions: which verdicts, and what would have been done, beside what was done.",
            ]
        case .reread: ["reread\t\t\tRead the configuration and say what differs; nothing is touched"]
        case .restart:
            CommandName.forms("restart", "Stop and start") + [
                "restart --rolling[=N] <name> [...]\tA few at a time (max_unavailable, or N)",
                "The configuration is not read again; reread and update do that.",
            ]
        case .shutdown: ["shutdown\tStop everything and end the daemon"]
        case .signal: CommandName.forms("signal <signal>", "Send a signal to")
        case .start: CommandName.forms("start", "Start")
        case .status:
            [
                "status [--json]\t\tEvery process, its state and its health",
                "status <name> [...]\tThese processes only; <group>:* is a whole group",
            ]
        case .stop: CommandName.forms("stop", "Stop")
        case .tail:
            [
                "tail [-<bytes>] <name> [stdout|stderr]\tThe end of a process's log, 1600 bytes of stdout if not told",
                "tail -f <name> [stdout|stderr]\t\tFollow it until Ctrl-C",
            ]
        case .tune:
            ["tune <name>|<group> [--least 1h]\tPropose a [health:NAME] section from what was seen, with the reasons"]
        case .update:
            [
                "update [all]\t\tRead the configuration and bring every group that differs up to date",
                "update <group> [...]\tThe same for these groups only",
            ]
        case .upgrade:
            [
                "upgrade\t\tLet the installed binary take over in place; no worker is touched",
                "It is tried first: one that cannot read what it would be told is refused.",
            ]
        case .version: ["version\t\t\tThe version of supervisord's interface that the server has"]
        case .why: ["why <name> [--json]\tWhat Warden believes of a worker, on which evidence, and what it did"]
        }
    }

    private static func forms(_ command: String, _ verb: String) -> [String] {
        [
            "\(command) <name> [...]\t\(verb) these processes", "\(command) <group>:*\t\(verb) a whole group",
            "\(command) all\t\t\(verb) everything",
        ]
    }

    /// The list that `help` prints.
    package static let overview: [String] = {
        let header = "default commands (type help <topic>):"
        let names = allCases.filter { $0 != .end }.map(\.rawValue).sorted()
        let rows = columns(names, width: 79)
        return ["", header, String(repeating: "=", count: header.count)] + rows + [""]
    }()

    /// Names in columns, read downwards.
    private static func columns(_ names: [String], width: Int) -> [String] {
        let cell = (names.map(\.count).max() ?? 0) + 2
        let perRow = max(1, width / cell)
        let rowCount = (names.count + perRow - 1) / perRow
        return (0..<rowCount).map { row in
            stride(from: row, to: names.count, by: rowCount)
                .map { names[$0].padded(to: cell) }.joined().trimmed
        }
    }
}

extension CommandRunner {
    /// `help` and `help COMMAND`.
    func help(_ topic: String) {
        if topic.isEmpty {
            for line in CommandName.overview { say(line) }
        } else if let name = CommandName(rawValue: topic), name != .end {
            for line in name.help { say(line) }
        } else {
            say("*** No help on \(topic)")
        }
    }
}
