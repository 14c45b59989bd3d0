import WardenCore

/// Hours of the day.
extension Values {
    /// `22:00-06:00, 12:00-13:00`; `always` is none.
    static func dailyWindows(_ text: String) throws(ValueError) -> [DailyWindow] {
        if text.lowercased() == "always" { return [] }
        var windows: [DailyWindow] = []
        for item in try list(text) {
            guard let (first, last) = item.halves(around: "-"), let from = minute(first.trimmed),
                let to = minute(last.trimmed), from < 1440
            else { throw ValueError("\(quoted(item)) is not HH:MM-HH:MM, such as 22:00-06:00") }
            guard from != to else {
                throw ValueError("\(quoted(item)) begins when it ends; leave it out to act always")
            }
            windows.append(DailyWindow(from: from, to: to))
        }
        guard !windows.isEmpty else { throw ValueError("no hours are named") }
        return windows
    }

    /// Minutes after midnight, up to 24:00.
    private static func minute(_ text: String) -> Int? {
        guard let (hour, minute) = text.halves(around: ":"), minute.utf8.count == 2, (1...2).contains(hour.utf8.count),
            let hours = UInt(hour), let minutes = UInt(minute), minutes < 60, hours * 60 + minutes <= 1440
        else { return nil }
        return Int(hours * 60 + minutes)
    }

    /// A percentage above 0 and below 100; `none` is `nil`.
    static func optionalPercent(_ text: String) throws(ValueError) -> Double? {
        if text.lowercased() == "none" { return nil }
        guard text.hasSuffix("%"), let percent = Double(String(text.dropLast()).trimmed), percent > 0, percent < 100
        else { throw ValueError("\(quoted(text)) is neither none nor a percentage between 0% and 100%") }
        return percent
    }
}
