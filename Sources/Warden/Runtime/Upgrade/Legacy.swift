import WardenConfig
import WardenCore
import WardenLinux
import WardenWire

/// What a binary does that was executed by its predecessor.
enum Legacy {
    /// Reads what would be told, and the configuration that would be run.
    ///
    /// - Parameters:
    ///   - number: the file.
    ///   - result: the configuration as it was read just now.
    /// - Returns: why this binary cannot take over; `nil` when it can.
    static func refusal(_ number: CInt, _ result: LoadResult) -> String? {
        do {
            _ = try read(number)
        } catch {
            return "\(error)"
        }
        guard result.configuration ?? result.remainder?.configuration != nil else {
            return "the configuration has errors: \(DiagnosticReport(result.diagnostics).text)"
        }
        return nil
    }

    /// - Parameter number: the file; closed when it was read.
    static func read(_ number: CInt) throws -> DaemonState {
        let file = Descriptor(owning: number)
        let bytes = try HandoverFile.contents(of: file.rawValue, atMost: StateLimits.bytes)
        return try DaemonState.decoded(bytes)
    }
}
