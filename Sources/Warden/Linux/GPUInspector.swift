internal import Glibc
internal import Synchronization
package import WardenCore

/// Asks NVML who holds memory of the GPUs, one question at a time.
///
/// A call may never return where the driver is stuck, so it is made on a thread that can be given up, and at most one
/// such thread is given up: until its call has returned, everybody else is told that there is no answer.
package final class GPUInspector: Sendable {
    private enum Loading: Sendable {
        case notTried
        case absent
        case loaded(NVML)
    }

    private struct State: Sendable {
        var loading = Loading.notTried
        var busySince: Instant?
    }

    private let path: String
    private let state = Mutex(State())

    /// - Parameter path: of the library; as dlopen(3) has it.
    package init(path: String = GPUInspector.soname) {
        self.path = path
    }

    /// The name by which the driver's package installs it.
    package static let soname = "libnvidia-ml.so.1"

    /// Whether this host has the library.
    package static func isThere(_ path: String = soname) -> Bool {
        guard let library = dlopen(path, RTLD_LAZY | RTLD_LOCAL) else { return false }
        _ = dlclose(library)
        return true
    }

    /// Looks who of some processes holds memory of a device. May block for ever.
    ///
    /// - Parameters:
    ///   - pids: the processes of an old tree.
    ///   - devices: the numbers of the devices that the worker may use; `nil`: any.
    ///   - remarks: what is wrong besides is appended, in words.
    package func look(
        for pids: Set<Int32>, devices: Set<Int>?, remarks: inout [String]
    ) -> RespawnReport.GPU {
        if let devices, devices.isEmpty { return .notAsked }
        let now = MonotonicClock.now()
        let (busySince, loading) = state.withLock { state in
            defer { state.busySince = state.busySince ?? now }
            return (state.busySince, state.loading)
        }
        if let busySince {
            let stuckFor = now - busySince
            return .unanswered(
                reason: stuckFor < Limits.respawnAnswer
                    ? "NVML is being asked for another worker" : "NVML has not answered for \(stuckFor.spoken)")
        }
        defer { state.withLock { $0.busySince = nil } }
        guard let nvml = library(loading) else { return .absent(reason: "there is no \(path)") }
        return Self.ask(nvml, pids, devices, &remarks)
    }

    /// Whether a question is under way.
    package var isBusy: Bool { state.withLock { $0.busySince != nil } }

    private func library(_ loading: Loading) -> NVML? {
        switch loading {
        case .loaded(let nvml): return nvml
        case .absent: return nil
        case .notTried:
            let nvml = NVML(path)
            state.withLock { $0.loading = nvml.map { .loaded($0) } ?? .absent }
            return nvml
        }
    }

    private static func ask(
        _ nvml: NVML, _ pids: Set<Int32>, _ devices: Set<Int>?, _ remarks: inout [String]
    ) -> RespawnReport.GPU {
        let count: Int
        do throws(NVML.Failure) {
            try nvml.begin()
        } catch {
            return error.isLoss ? .lost(error.text) : error.isAbsence ? .absent(reason: error.text) : answer(error)
        }
        defer { nvml.end() }
        do throws(NVML.Failure) {
            count = try nvml.deviceCount()
        } catch {
            return error.isLoss ? .lost(error.text) : answer(error)
        }
        if count == 0 { return .absent(reason: "NVML knows no GPU") }
        var holders: Set<Int32> = []
        var losses: [Int: String] = [:]
        var failure: String?
        for index in 0..<count {
            do throws(NVML.Failure) {
                holders.formUnion(try nvml.computeProcesses(ofDevice: index))
            } catch {
                let text = "GPU \(index): \(error.text)"
                if error.isLoss { losses[index] = text } else { failure = text }
            }
        }
        let usable = devices.map { $0.intersection(0..<count) }.flatMap { $0.isEmpty ? nil : $0 } ?? Set(0..<count)
        if usable.allSatisfy({ losses[$0] != nil }) {
            return .lost(usable.sorted().compactMap { losses[$0] }.joined(separator: ", "))
        }
        // Some other device's end is not this worker's, but whoever reads the log will want to know.
        remarks += losses.sorted { $0.key < $1.key }.map(\.value)
        let held = holders.intersection(pids)
        if !held.isEmpty { return .held(held.sorted()) }
        return failure.map { .unanswered(reason: $0) } ?? .free
    }

    private static func answer(_ failure: NVML.Failure) -> RespawnReport.GPU { .unanswered(reason: failure.text) }

    /// The devices that CUDA_VISIBLE_DEVICES names by number; `nil` where it is not set, or names them otherwise.
    ///
    /// - Parameter text: its value; `nil` when it is not set.
    package static func devices(visible text: String?) -> Set<Int>? {
        guard let text else { return nil }
        // As CUDA reads it: what comes after the first number that cannot be is not seen.
        var numbers: Set<Int> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = word.drop { $0 == " " }
            if word.hasPrefix("GPU-") || word.hasPrefix("MIG-") { return nil }
            guard let number = Int(word), number >= 0 else { break }
            numbers.insert(number)
        }
        return numbers
    }
}
