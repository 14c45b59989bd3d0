internal import CWardenLinux
internal import WardenCore

/// The texts of a plan as C wants them: one block of bytes, and where in it each text begins.
internal struct SpawnTexts {
    private var bytes: [CChar] = []
    /// Offsets into `bytes`; `nil` ends a list. Arguments, environment, candidates, and the directory if there is one.
    private var offsets: [Int?] = []
    private var environmentStart = 0
    private var candidatesStart = 0
    private var directoryIndex: Int?

    /// - Returns: `nil` when a text has a NUL inside, where C would cut it.
    internal init?(_ plan: SpawnPlan) {
        bytes.reserveCapacity(8192)
        for argument in plan.arguments { if !append(argument.utf8) { return nil } }
        offsets.append(nil)
        environmentStart = offsets.count
        for entry in plan.environment { if !append(entry) { return nil } }
        offsets.append(nil)
        candidatesStart = offsets.count
        for candidate in plan.candidates { if !append(candidate.utf8) { return nil } }
        offsets.append(nil)
        guard let directory = plan.directory else { return }
        directoryIndex = offsets.count
        if !append(directory.utf8) { return nil }
    }

    private mutating func append(_ text: some Sequence<UInt8>) -> Bool {
        offsets.append(bytes.count)
        for byte in text {
            if byte == 0 { return false }
            bytes.append(CChar(bitPattern: byte))
        }
        bytes.append(0)
        return true
    }

    /// Calls with the plan as C wants it, which is valid only inside the call.
    internal consuming func withPlan(
        _ plan: SpawnPlan, gate: (reader: CInt, writer: CInt), avoidance: Spawner.Avoidance,
        _ body: (inout warden_spawn_plan) -> CInt
    ) -> CInt {
        let limits = plan.limits.map {
            warden_limit(resource: $0.resource, soft: $0.limit.soft, hard: $0.limit.hard)
        }
        let groups = plan.user?.groupIDs ?? []
        let offsets = offsets
        let (environmentStart, candidatesStart, directoryIndex) = (environmentStart, candidatesStart, directoryIndex)
        return bytes.withUnsafeMutableBufferPointer { bytes -> CInt in
            let pointers = offsets.map { offset in offset.flatMap { bytes.baseAddress?.advanced(by: $0) } }
            return pointers.withUnsafeBufferPointer { pointers in
                limits.withUnsafeBufferPointer { limits in
                    groups.withUnsafeBufferPointer { groups in
                        plan.descriptors.withUnsafeBufferPointer { descriptors in
                            var raw = warden_spawn_plan()
                            raw.argv = pointers.baseAddress
                            raw.envp = pointers.baseAddress?.advanced(by: environmentStart)
                            raw.candidates = pointers.baseAddress?.advanced(by: candidatesStart)
                            raw.directory = directoryIndex.flatMap { UnsafePointer(pointers[$0]) }
                            raw.umask = plan.umask.map { Int32(truncatingIfNeeded: $0 & 0o777) } ?? -1
                            raw.changes_user = plan.user != nil
                            raw.uid = plan.user?.userID ?? 0
                            raw.gid = plan.user?.groupID ?? 0
                            raw.groups = groups.baseAddress
                            raw.group_count = groups.count
                            raw.limits = limits.baseAddress
                            raw.limit_count = limits.count
                            raw.descriptors = descriptors.baseAddress
                            raw.descriptor_count = descriptors.count
                            raw.cgroup = plan.cgroup ?? -1
                            raw.gate = gate.reader
                            raw.gate_writer = gate.writer
                            raw.flags = avoidance.rawValue | Self.flags(plan)
                            return body(&raw)
                        }
                    }
                }
            }
        }
    }

    private static func flags(_ plan: SpawnPlan) -> UInt32 {
        var flags: UInt32 = 0
        if plan.leadsGroup { flags |= UInt32(WARDEN_SPAWN_NEW_GROUP) }
        if plan.cgroupIsOptional { flags |= UInt32(WARDEN_SPAWN_CGROUP_IS_OPTIONAL) }
        return flags
    }
}
