import WardenCore

/// `[group:x]`, and the groups that programs, event listeners and fcgi-programs are by themselves.
extension Loading {
    mutating func groups() -> [GroupSpec] {
        var result: [GroupSpec] = []
        var members: Set<String> = []
        for section in document.sections("group:") {
            if let group = heterogeneousGroup(section, &members) { keep(group, section, &result) }
        }
        for section in document.sections("program:") where !members.contains(section.name) {
            if let group = homogeneousGroup(section, .program) { keep(group, section, &result) }
        }
        for section in document.sections("eventlistener:") {
            if let group = listenerGroup(section) { keep(group, section, &result) }
        }
        for section in document.sections("fcgi-program:") where !members.contains(section.name) {
            if let group = homogeneousGroup(section, .fastCGI) { keep(group, section, &result) }
        }
        return result
    }

    private mutating func homogeneousGroup(_ section: Section, _ flavor: ProgramReader.Flavor) -> GroupSpec? {
        let before = diagnostics.errorCount
        guard let name = sectionName(section) else {
            refuse(section.argument ?? "", since: before)
            return nil
        }
        let priority = read("priority", view(of: section), default: 999, Values.integer)
        refuse(name, since: before)
        return GroupSpec(
            name: name, priority: priority, programs: programs(section, group: name, flavor: flavor),
            maximumUnavailable: health.share(group: name))
    }

    /// Two groups of one name: supervisord runs the one that sorts first and forgets the other without a word.
    private mutating func keep(_ group: GroupSpec, _ section: Section, _ result: inout [GroupSpec]) {
        guard let index = groupIndices[group.name] else {
            groupIndices[group.name] = result.count
            result.append(group)
            return
        }
        diagnostics.warn(
            section.place,
            "[\(section.name)] there is already a group \(quoted(group.name)); only the lower priority runs"
        )
        if group.priority < result[index].priority { result[index] = group }
    }

    private mutating func heterogeneousGroup(_ section: Section, _ members: inout Set<String>) -> GroupSpec? {
        guard let name = sectionName(section) else { return nil }
        healthNames.insert(name)
        let view = view(of: section)
        let priority = read("priority", view, default: 999, Values.integer)
        let names = read("programs", view, default: [], Values.list)
        if names.isEmpty { warn("programs", view, "the group has no programs") }
        var programs: [ProgramSpec] = []
        for program in names {
            guard let member = member(program, view) else { continue }
            members.insert(member.name)
            // supervisord forgets the socket of an fcgi-program that is in a group; here it keeps it.
            let flavor: ProgramReader.Flavor = member.name.hasPrefix("program:") ? .program : .fastCGI
            programs += self.programs(member, group: name, flavor: flavor)
        }
        return GroupSpec(
            name: name, priority: priority, programs: unique(programs, view),
            maximumUnavailable: health.share(group: name))
    }

    private mutating func member(_ program: String, _ view: SectionView) -> Section? {
        let plain = document.section("program:" + program)
        let fastCGI = document.section("fcgi-program:" + program)
        if plain != nil, fastCGI != nil {
            error("programs", view, "\(quoted(program)) is ambiguous: it is a program and an fcgi-program")
            return nil
        }
        if let member = plain ?? fastCGI { return member }
        if document.section("eventlistener:" + program) != nil {
            error("programs", view, "\(quoted(program)) is an event listener, which cannot be in a group")
        } else {
            let known = (document.sections("program:") + document.sections("fcgi-program:")).compactMap(\.argument)
            let hint = Spelling.suggestion(for: program, among: known)
            error("programs", view, "there is no program or fcgi-program \(quoted(program))\(hint)")
        }
        return nil
    }

    /// The part after the colon, as the name of a program or group.
    mutating func sectionName(_ section: Section) -> String? {
        do {
            return try Values.name(section.argument ?? "")
        } catch {
            diagnostics.error(section.place, "[\(section.name)] \(error.message)")
            return nil
        }
    }

    /// Slots of one name: supervisord keeps the last and never starts the others.
    private mutating func unique(_ programs: [ProgramSpec], _ view: SectionView) -> [ProgramSpec] {
        var result: [ProgramSpec] = []
        var indices: [SlotName: Int] = [:]
        for program in programs {
            if let index = indices[program.name] {
                diagnostics.warn(
                    view.place,
                    "[\(view.name)] two processes have the name \(quoted(program.name.qualified)); only the last runs")
                result[index] = program
            } else {
                indices[program.name] = result.count
                result.append(program)
            }
        }
        return result
    }

    /// The slots of one section, in the order of their numbers.
    mutating func programs(
        _ section: Section, group: String, flavor: ProgramReader.Flavor = .program
    ) -> [ProgramSpec] {
        guard let name = flavor == .listener ? section.argument : sectionName(section) else { return [] }
        healthNames.formUnion([name, group])
        let before = diagnostics.errorCount
        defer { refuse(name, since: before) }
        var reader = ProgramReader(program: name, group: group, flavor: flavor, view: view(of: section))
        return unique(reader.programs(&self), reader.view)
    }

    /// The errors since then are the program's own.
    mutating func refuse(_ program: String, since before: Int) {
        guard diagnostics.errorCount > before else { return }
        programErrorCount += diagnostics.errorCount - before
        if !refusedPrograms.contains(program) { refusedPrograms.append(program) }
    }

    /// What can be started although programs have errors: nothing where an error is elsewhere, or nothing is left.
    func remainder(of configuration: Configuration) -> LoadResult.Remainder? {
        guard programErrorCount > 0, programErrorCount == diagnostics.errorCount else { return nil }
        var rest = configuration
        rest.groups = configuration.groups.compactMap { group in
            var group = group
            group.programs.removeAll { refusedPrograms.contains($0.program) }
            return group.programs.isEmpty ? nil : group
        }
        return rest.groups.isEmpty ? nil : LoadResult.Remainder(configuration: rest, refused: refusedPrograms)
    }
}
