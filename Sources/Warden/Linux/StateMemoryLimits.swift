/// The limits of the memory that outlives the daemon.
package enum StateMemoryLimits {
    /// Bytes of one half that are reserved at first; it grows by doubling, and what it needs no more is given back.
    package static let initialBytes = 256 * 1024
    /// Bytes of one half at most. The live records of a thousand workers are one or two megabytes.
    package static let halfBytes = 32 * 1024 * 1024
    /// Bytes of one record.
    package static let recordBytes = 1024 * 1024
    /// Starts of the daemon whose times are kept.
    package static let startTimes = 16
    /// Words that can be set with a single store.
    package static let words = 4096
}
