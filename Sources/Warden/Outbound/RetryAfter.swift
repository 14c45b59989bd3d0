/// The header `Retry-After`.
package enum RetryAfter {
    /// Reads the header: seconds (some services send fractions), or a date.
    ///
    /// A date is compared with the answer's own `Date`, so that no clock of ours is asked whether it agrees.
    ///
    /// - Parameters:
    ///   - value: of `Retry-After`.
    ///   - date: of `Date`, where there is one.
    /// - Returns: `nil` for what is neither; never negative, at most a hundred days.
    package static func parse(_ value: String, date: String?) -> Duration? {
        let longest: Double = 100 * 86400
        if let seconds = Double(value), seconds.isFinite {
            return .seconds(min(max(0, seconds), longest))
        }
        guard let then = seconds(ofDate: value), let now = date.flatMap(seconds(ofDate:)) else { return nil }
        return .seconds(min(max(0, then - now), Int64(longest)))
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7) in seconds since the epoch.
    ///
    /// The two older forms are not read.
    private static func seconds(ofDate text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int64(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])), let year = Int64(parts[3]),
            (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").map { Int64($0) ?? -1 }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        // Years that begin in March put the leap day at their end; 719,468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = month < 2 ? year - 1 : year
        let dayOfYear = (153 * ((Int64(month) + 10) % 12) + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return days * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }
}
