import WardenCore
import WardenWire

/// The table of the workers, as HTML.
///
/// The classes of states, the first three columns and the addresses are supervisord's, for the sake of what reads them.
struct StatusPage {
    /// In supervisord's order.
    var workers: [WorkerSnapshot]
    /// The daemon.
    var identity: DaemonIdentity
    /// Whether there are buttons.
    var mayChange: Bool
    /// What the last action came to.
    var message: String?
    /// Whether the message says that something was not done.
    var isTrouble = false
    /// A wall-clock time in the daemon's time zone.
    var localTime: (WallTime) -> LocalTime

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(attentionCount == 0 ? "" : "(\(attentionCount)) ")Warden Status</title>
        <style>\(PageStyle.sheet)</style>
        </head>
        <body>
        <div id="wrapper">
        <header>
        <h1>\(identity.identifier.escapedForHTML)</h1>
        <span id="summary" class="summary">\(summary)</span>
        \(buttons)
        </header>
        \(statusMessage)
        <main id="content" class="card">
        \(table)
        </main>
        <footer>
        <span>Warden \(identity.version.escapedForHTML), pid \(identity.pid)</span>
        <a href="mainlogtail" target="_blank" rel="noopener">Main log</a>
        \(mayChange ? "" : "<span>You may look, but change nothing.</span>")
        <span id="fresh" class="stale" role="status"></span>
        </footer>
        </div>
        <script>\(PageStyle.script)</script>
        </body>
        </html>

        """
    }

    private var attentionCount: Int { workers.count { $0.needsAttention } }

    private var summary: String {
        let running = workers.count { $0.state == .running }
        let daemon =
            switch identity.mood {
            case .running: ""
            case .restarting: "restarting &middot; "
            case .shuttingDown: "shutting down &middot; "
            }
        let attention =
            switch attentionCount {
            case 0: ""
            case 1: ", <strong>1 needs attention</strong>"
            case let count: ", <strong>\(count) need attention</strong>"
            }
        return "\(daemon)\(running) of \(workers.count) running\(attention)"
    }

    private var buttons: String {
        let refresh = "<a class=\"button\" href=\"index.html?action=refresh\">Refresh</a>"
        guard mayChange else { return refresh }
        return """
            \(refresh)
            <form action="index.html" method="post">
            <button name="action" value="restartall">Restart All</button>
            <button name="action" value="stopall">Stop All</button>
            </form>
            """
    }

    private var statusMessage: String {
        guard let message else { return "" }
        let text = String(message.prefix(ControlLimits.messageCharacters)).escapedForHTML
        return
            "<div id=\"statusmessage\" class=\"status_msg\(isTrouble ? " trouble" : "")\" role=\"status\">\(text)</div>"
    }

    private var table: String {
        if workers.isEmpty { return "<p class=\"none\">No programs to manage</p>" }
        return """
            <table>
            <thead><tr><th class="state">State</th><th class="desc">Description</th><th class="name">Name</th>\
            <th>Descriptors</th><th>Memory</th><th class="action">Action</th></tr></thead>
            <tbody>
            \(workers.map(row).joined(separator: "\n"))
            </tbody>
            </table>
            """
    }
}

extension StatusPage {
    private func row(_ worker: WorkerSnapshot) -> String {
        let name = worker.name.qualified
        let link = "tail.html?processname=\(name.percentEncoded)"
        // A long name may break behind its group.
        let shownName = name.split(separator: ":").map { String($0).escapedForHTML }.joined(separator: ":<wbr>")
        return """
            <tr\(worker.needsAttention ? " class=\"attention\"" : "")>
            <td class="status"><span class="\(worker.state.pageClass)">\(worker.state.word.lowercased())</span> \
            \(health(worker))</td>
            <td>\(description(worker))</td>
            <td class="name"><a href="\(link)" target="_blank" rel="noopener">\(shownName)</a></td>
            <td class="number">\(descriptors(worker))</td>
            <td class="number">\(memory(worker))</td>
            <td class="action">\(actions(worker))</td>
            </tr>
            """
    }

    private func health(_ worker: WorkerSnapshot) -> String {
        guard let verdict = worker.verdict else { return "" }
        let text = verdict.statusText.escapedForHTML
        return "<span class=\"health \(verdict.condition.pageClass)\">\(text)</span>"
    }

    private func description(_ worker: WorkerSnapshot) -> String {
        var parts = [worker.stateDescription(localTime: localTime).escapedForHTML]
        func add(_ text: String?, _ cssClass: String) {
            guard let text, !text.isEmpty else { return }
            let short = String(text.prefix(ControlLimits.pageLineCharacters))
            parts.append("<div class=\"\(cssClass)\">\(short.escapedForHTML)</div>")
        }
        add(worker.verdict?.reason, "reason")
        add(worker.pendingAction, "reason")
        if worker.isHealthPaused { add("health is paused: verdicts are shown, not acted on", "reason") }
        if worker.restartCount > 0 {
            let reason = worker.lastRestart.map {
                ", last by \($0.reason.name)\($0.outcome.map { " (\($0.name))" } ?? "")"
            }
            add("\(worker.restartCount) restart\(worker.restartCount == 1 ? "" : "s")\(reason ?? "")", "sub")
        }
        if worker.needsAttention { add(worker.lastLine?.withoutTerminalSequences, "line") }
        return parts.joined()
    }

    private func descriptors(_ worker: WorkerSnapshot) -> String {
        guard worker.pid != nil, let tightest = worker.readings?.tightest else { return "" }
        guard tightest.softLimit != .max, tightest.softLimit > 0 else { return "\(tightest.count)" }
        let percent = min(100, tightest.count * 100 / tightest.softLimit)
        return """
            <meter min="0" max="100" low="80" high="95" optimum="0" value="\(percent)">\(percent)%</meter> \
            \(percent)%<div class="sub">\(tightest.count) of \(tightest.softLimit)</div>
            """
    }

    private func memory(_ worker: WorkerSnapshot) -> String {
        guard worker.pid != nil, let bytes = worker.readings?.treeRSSBytes, bytes > 0 else { return "" }
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (bytes, 0)
        while value >= 10_240, unit + 1 < units.count { (value, unit) = (value / 1024, unit + 1) }
        return "\(value) \(units[unit])"
    }

    /// What supervisord offers in a state, and Stop wherever there is something to be stopped.
    private func actions(_ worker: WorkerSnapshot) -> String {
        let name = worker.name.qualified
        let changes: [PageAction] =
            switch worker.state {
            case .running: [.restart, .stop]
            case .starting, .backoff: [.stop]
            case .stopped, .exited, .fatal: [.start]
            case .stopping, .unknown: []
            }
        let form =
            mayChange
            ? """
            <form action="index.html" method="post"><input type="hidden" name="processname" \
            value="\(name.escapedForHTML)">\(
                (changes + [.clearlog]).map { button($0, worker) }.joined())</form>
            """ : ""
        let tail = "logtail/\(name.percentEncoded)"
        return """
            \(form)<div class="logs"><a href="\(tail)" target="_blank" rel="noopener">Tail -f Stdout</a>\
            <a href="\(tail)/stderr" target="_blank" rel="noopener">Tail -f Stderr</a></div>
            """
    }

    private func button(_ action: PageAction, _ worker: WorkerSnapshot) -> String {
        "<button id=\"\(action.rawValue)-\(worker.slot.number)\" name=\"action\" value=\"\(action.rawValue)\">"
            + "\(action.title)</button>"
    }
}

extension WorkerSnapshot {
    /// Whether somebody should look: supervisord's errors, and what Warden believes to be ill.
    var needsAttention: Bool {
        if state == .fatal || state == .backoff || state == .unknown { return true }
        switch verdict?.condition {
        case .leaking?, .dark?, .hung?, .bloated?, .unknown?: return true
        case .starting?, .healthy?, .paused?, nil: return false
        }
    }
}

extension ProcessState {
    /// supervisord's classes.
    fileprivate var pageClass: String {
        switch self {
        case .running: "statusrunning"
        case .fatal, .backoff: "statuserror"
        case .stopped, .starting, .stopping, .exited, .unknown: "statusnominal"
        }
    }
}

extension Condition {
    fileprivate var pageClass: String {
        switch self {
        case .healthy: "good"
        case .starting, .paused: "calm"
        case .leaking, .unknown: "warn"
        case .dark, .hung, .bloated: "bad"
        }
    }
}
