import WardenCore
import WardenWire

extension WallTime {
    /// As HTTP writes a time: `Sun, 22 Nov 2026 18:05:33 GMT`.
    var httpDate: String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // The epoch was a Thursday; times before it do not occur in a `Date` header.
        let day = days[Int(max(0, seconds) / 86400 % 7)]
        let parts = rfc3339.split { $0 == "-" || $0 == "T" || $0 == "Z" || $0 == "." }
        guard parts.count >= 4, let month = Int(parts[1]), months.indices.contains(month - 1) else { return "" }
        return "\(day), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}
