package import WardenWire

/// What a reread found.
package struct ConfigurationChanges: Hashable, Sendable {
    /// Groups that are new, in the server's order.
    package var added: [String]
    /// Groups that differ.
    package var changed: [String]
    /// Groups that are gone.
    package var removed: [String]

    /// - Parameter value: the three lists inside a list that `reloadConfig` returns; `nil` when it is not that.
    package init?(_ value: XMLRPCValue) {
        guard let lists = value.array?.first?.array, lists.count == 3 else { return nil }
        added = (lists[0].array ?? []).compactMap(\.string)
        changed = (lists[1].array ?? []).compactMap(\.string)
        removed = (lists[2].array ?? []).compactMap(\.string)
    }

    /// The lines of `reread`, sorted by name.
    package var lines: [String] {
        let lines =
            added.map { ($0, "available") } + changed.map { ($0, "changed") } + removed.map { ($0, "disappeared") }
        guard !lines.isEmpty else { return ["No config updates to processes"] }
        return lines.sorted { $0.0 < $1.0 }.map { "\($0.0): \($0.1)" }
    }
}

extension CommandRunner {
    /// `reread`.
    mutating func reread(_ words: [String]) async throws(ServerFailure) {
        guard words.isEmpty else { return misuse("Error: reread accepts no arguments", of: .reread) }
        do {
            for line in try await readChanges().lines { say(line) }
        } catch .fault(let fault) where fault.kind == .shutdownState {
            say("ERROR: supervisor shutting down")
            exitCode = ExitCode.failure
        } catch .fault(let fault) where fault.kind == .cannotReread {
            sayLines("ERROR: \(fault.string)")
            exitCode = ExitCode.failure
        }
    }

    private func readChanges() async throws(ServerFailure) -> ConfigurationChanges {
        let value = try await server.call("supervisor.reloadConfig", [])
        guard let changes = ConfigurationChanges(value) else {
            throw .malformed("the server's answer to reloadConfig is not three lists")
        }
        return changes
    }

    /// `update [all|GROUP…]`.
    mutating func update(_ words: [String]) async throws(ServerFailure) {
        let changes: ConfigurationChanges
        do {
            changes = try await readChanges()
        } catch .fault(let fault) where fault.kind == .shutdownState {
            say("ERROR: already shutting down")
            exitCode = ExitCode.failure
            return
        } catch .fault(let fault) where fault.kind == .cannotReread {
            // supervisorctl shows its own exception here; every problem on a line of its own is more use.
            sayLines("ERROR: \(fault.string)")
            exitCode = ExitCode.failure
            return
        }
        let wanted = words.contains("all") ? [] : words
        try await checkGroups(wanted, changes)
        func isWanted(_ group: String) -> Bool { wanted.isEmpty || wanted.contains(group) }
        for group in changes.removed where isWanted(group) { try await drop(group) }
        for group in changes.changed where isWanted(group) { try await replace(group) }
        for group in changes.added where isWanted(group) {
            _ = try await server.call("supervisor.addProcessGroup", [.string(group)])
            say("\(group): added process group")
        }
    }

    private mutating func checkGroups(
        _ wanted: [String], _ changes: ConfigurationChanges
    ) async throws(ServerFailure) {
        guard !wanted.isEmpty else { return }
        let infos = try await server.call("supervisor.getAllProcessInfo", []).array ?? []
        let known = Set(infos.map { ProcessEntry($0).group } + changes.added)
        for group in wanted where !known.contains(group) {
            say("ERROR: no such group: \(group)")
            exitCode = ExitCode.failure
        }
    }

    private mutating func drop(_ group: String) async throws(ServerFailure) {
        let results = try await server.call("supervisor.stopProcessGroup", [.string(group)]).array ?? []
        say("\(group): stopped")
        guard !results.contains(where: { SlotStatus($0).code == XMLRPCFault.Kind.failed.rawValue }) else {
            say("\(group): has problems; not removing")
            exitCode = ExitCode.failure
            return
        }
        _ = try await server.call("supervisor.removeProcessGroup", [.string(group)])
        say("\(group): removed process group")
    }

    /// Warden stops only what differs; a supervisord, which does not know the call, the whole group.
    private mutating func replace(_ group: String) async throws(ServerFailure) {
        do throws(ServerFailure) {
            let answer = try await server.call("warden.updateProcessGroup", [.string(group)])
            let stopped = (answer["stopped"]?.array ?? []).compactMap(\.string)
            let isWhole = (answer["kept"]?.array ?? []).isEmpty
            // supervisorctl's own line where all of it was stopped.
            if isWhole { say("\(group): stopped") } else { for name in stopped { say("\(name): stopped") } }
            say("\(group): updated process group")
        } catch .fault(let fault) where fault.kind == .unknownMethod {
            try await replaceWhole(group)
        }
    }

    private mutating func replaceWhole(_ group: String) async throws(ServerFailure) {
        _ = try await server.call("supervisor.stopProcessGroup", [.string(group)])
        say("\(group): stopped")
        _ = try await server.call("supervisor.removeProcessGroup", [.string(group)])
        _ = try await server.call("supervisor.addProcessGroup", [.string(group)])
        say("\(group): updated process group")
    }

    /// `add GROUP…`.
    ///
    /// A group that is active already is no failure, as in supervisorctl.
    mutating func add(_ groups: [String]) async throws(ServerFailure) {
        for group in groups {
            do {
                _ = try await server.call("supervisor.addProcessGroup", [.string(group)])
                say("\(group): added process group")
            } catch .fault(let fault) where fault.kind == .shutdownState {
                say("ERROR: shutting down")
                exitCode = ExitCode.failure
            } catch .fault(let fault) where fault.kind == .alreadyAdded {
                say("ERROR: process group already active")
            } catch .fault(let fault) where fault.kind == .badName {
                say("ERROR: no such process/group: \(group)")
                exitCode = ExitCode.failure
            }
        }
    }

    /// `remove GROUP…`.
    mutating func remove(_ groups: [String]) async throws(ServerFailure) {
        for group in groups {
            do {
                _ = try await server.call("supervisor.removeProcessGroup", [.string(group)])
                say("\(group): removed process group")
            } catch .fault(let fault) where fault.kind == .stillRunning {
                say("ERROR: process/group still running: \(group)")
                exitCode = ExitCode.failure
            } catch .fault(let fault) where fault.kind == .badName {
                say("ERROR: no such process/group: \(group)")
                exitCode = ExitCode.failure
            }
        }
    }

    /// `avail`.
    mutating func avail(_ words: [String]) async throws(ServerFailure) {
        guard words.isEmpty else { return misuse("Error: avail accepts no arguments", of: .avail) }
        do {
            for info in try await server.call("supervisor.getAllConfigInfo", []).array ?? [] {
                say(AvailableText.line(info))
            }
        } catch .fault(let fault) where fault.kind == .shutdownState {
            say("ERROR: supervisor shutting down")
            exitCode = ExitCode.failure
        }
    }
}

/// The lines of `avail`.
package enum AvailableText {
    /// - Parameter info: one structure of `getAllConfigInfo`.
    /// - Returns: name, in use or not, started automatically or not, and both priorities.
    package static func line(_ info: XMLRPCValue) -> String {
        let name = Namespec.text(group: info["group"]?.string ?? "", process: info["name"]?.string ?? "")
        let use = info["inuse"]?.bool == true ? "in use" : "avail"
        let start = info["autostart"]?.bool == true ? "auto" : "manual"
        let priorities = "\(info["group_prio"]?.int ?? 0):\(info["process_prio"]?.int ?? 0)"
        return "\(name.padded(to: 32)) \(use.padded(to: 9)) \(start.padded(to: 9)) \(priorities)"
    }
}
