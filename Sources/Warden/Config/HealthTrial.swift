package import WardenCore

/// Why a health key cannot be set for a trial.
package struct HealthTrialError: Error, Hashable, Sendable {
    /// What is wrong, in a line.
    package var text: String

    /// - Parameter text: what is wrong, in a line.
    package init(text: String) {
        self.text = text
    }
}

extension HealthSpec {
    /// Keys that say what is seen of a worker: a record has only what was seen.
    private static let seen: Set<String> = [
        "enabled", "interval", "heartbeat", "alive_pattern", "progress_pattern", "error_pattern", "demand", "probe",
    ]

    /// Sets one key as a `[health:NAME]` section would.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - value: its value, as it would be written.
    ///   - host: what needs to be known of the host.
    /// - Throws: when there is no such key, the value is none, or a record cannot show what it would have changed.
    package mutating func trySetting(
        _ key: String, to value: String, host: ConfigurationHost
    ) throws(HealthTrialError) {
        guard let parse = HealthKeys.all[key] else {
            let hint = Spelling.suggestion(for: key, among: HealthKeys.all.keys.sorted())
            throw HealthTrialError(text: "[health] has no key \(key)\(hint)")
        }
        guard !HealthSpec.seen.contains(key) else {
            throw HealthTrialError(
                text: "\(key) cannot be tried: a record holds what was seen, and not what would have been seen")
        }
        do throws(ValueError) {
            let change = try parse(value, host)
            change(&self)
        } catch {
            throw HealthTrialError(text: "\(key): \(error.message)")
        }
    }
}
