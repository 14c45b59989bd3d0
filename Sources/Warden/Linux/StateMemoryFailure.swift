/// Why there is no memory, or why it does not take a record.
package enum StateMemoryFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kernel refused: EFBIG (RLIMIT_FSIZE), ENOMEM, EMFILE.
    case kernel(KernelFailure)
    /// The file is no such memory, or could become shorter under the reader.
    case foreign
    /// It is of another start of the host: nothing in it lives any more.
    case otherBoot
    /// Its format is this one: older than the former, or newer than ours.
    case otherVersion(UInt32)
    /// Neither half can be read.
    case damaged
    /// The record is larger than `StateMemoryLimits.recordBytes`.
    case recordTooLarge(bytes: Int)
    /// What lives fills it, and it can grow no more. Nothing was changed.
    case full(liveBytes: Int)

    /// A text for the log.
    package var description: String {
        switch self {
        case .kernel(let failure): "\(failure)"
        case .foreign: "the file is no state of Warden's"
        case .otherBoot: "the state is of another start of the host"
        case .otherVersion(let version):
            "the state has format \(version), and this version reads \(StateMemory.oldestVersion) to "
                + "\(StateMemory.version)"
        case .damaged: "neither half of the state can be read"
        case .recordTooLarge(let bytes): "a record of \(bytes) bytes is too large for the state"
        case .full(let bytes): "the state is full with \(bytes) bytes that are in use"
        }
    }
}
