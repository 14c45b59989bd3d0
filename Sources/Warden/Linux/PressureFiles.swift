internal import Synchronization
package import WardenCore

/// /proc/pressure, read by a thread that may block and looked at by one that may not.
package final class PressureGauge: Sendable {
    private struct Reading {
        var pressure: HostPressure
        var at: Instant
    }

    private let latest = Mutex<Reading?>(nil)
    private let isReading = Atomic<Bool>(false)

    /// Nothing read yet.
    package init() {}

    /// What was read last, unless that is long ago.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - age: what is older says nothing any more.
    package func pressure(at now: Instant, noOlderThan age: Duration) -> HostPressure? {
        latest.withLock { $0.flatMap { now - $0.at <= age ? $0.pressure : nil } }
    }

    /// Whether a reading may begin: none is under way.
    package func begins() -> Bool {
        isReading.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    /// Reads, and ends what `begins` began. Blocks: for a thread that may. A kernel without PSI leaves nothing.
    package func read() {
        defer { isReading.store(false, ordering: .releasing) }
        guard case .success(let cpu) = HostFiles.read("/proc/pressure/cpu"),
            case .success(let memory) = HostFiles.read("/proc/pressure/memory")
        else { return }
        let texts = (String(decoding: cpu, as: UTF8.self), String(decoding: memory, as: UTF8.self))
        guard let some = Self.share("some", in: texts.0) else { return }
        let pressure = HostPressure(cpuSomePercent: some, memoryFullPercent: Self.share("full", in: texts.1) ?? 0)
        latest.withLock { $0 = Reading(pressure: pressure, at: MonotonicClock.now()) }
    }

    /// What `begins` began will not be read.
    package func abandon() {
        isReading.store(false, ordering: .releasing)
    }

    /// `avg10` of a line, in percent.
    ///
    /// - Parameters:
    ///   - kind: `some` or `full`.
    ///   - text: the file.
    package static func share(_ kind: String, in text: String) -> Double? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.first.map(String.init) == kind else { continue }
            return words.lazy.filter { $0.hasPrefix("avg10=") }.first.flatMap { Double($0.dropFirst(6)) }
        }
        return nil
    }
}
