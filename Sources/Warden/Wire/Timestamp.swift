package import WardenCore

extension WallTime {
    /// RFC 3339 in UTC with milliseconds: `2026-03-04T05:06:07.089Z`.
    ///
    /// Years outside 1 to 9999 are held to that range.
    package var rfc3339: String {
        let first = WallTime.secondsOfYearOne
        let last = WallTime.secondsOfYearTenThousand - 1
        let whole = microseconds.dividedDown(by: 1_000_000)
        let held = min(max(whole, first), last)
        let milliseconds = held == whole ? Int((microseconds - whole * 1_000_000) / 1000) : 0
        let date = WallTime.civilDate(ofDay: held.dividedDown(by: 86400))
        let time = Int(held - held.dividedDown(by: 86400) * 86400)
        let day = "\(date.year.padded(to: 4))-\(date.month.padded(to: 2))-\(date.day.padded(to: 2))"
        let clock = [time / 3600, time % 3600 / 60, time % 60].map { $0.padded(to: 2) }.joined(separator: ":")
        return "\(day)T\(clock).\(milliseconds.padded(to: 3))Z"
    }

    /// Reads RFC 3339 with any offset and any number of decimals (those behind the sixth are dropped).
    /// - Returns: `nil` when it is not a time; a leap second counts as the second before it.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count else { return nil }
            var number = 0
            for byte in bytes[range] {
                guard byte.isDigit else { return nil }
                number = number * 10 + Int(byte - 0x30)
            }
            return number
        }
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74, bytes[13] == 0x3A,
            bytes[16] == 0x3A, let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            year >= 1, (1...12).contains(month), (1...WallTime.days(inMonth: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var rest = bytes[19...]
        var microseconds: Int64 = 0
        if rest.first == 0x2E {
            let decimals = rest.dropFirst().prefix { $0.isDigit }
            guard !decimals.isEmpty else { return nil }
            let six = decimals.prefix(6) + ArraySlice(repeating: 0x30, count: max(0, 6 - decimals.count))
            microseconds = six.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
            rest = rest[decimals.endIndex...]
        }
        guard let offsetSeconds = WallTime.offsetSeconds(rest, number) else { return nil }
        let days = WallTime.dayNumber(year: year, month: month, day: day)
        let ofDay = Int64(hour * 3600 + minute * 60 + min(second, 59))
        self.init(microseconds: (days * 86400 + ofDay - offsetSeconds) * 1_000_000 + microseconds)
    }

    /// Seconds east of UTC of `Z` or `+01:30`.
    private static func offsetSeconds(_ text: ArraySlice<UInt8>, _ number: (Range<Int>) -> Int?) -> Int64? {
        if text.count == 1, text.first.map({ $0 | 0x20 }) == 0x7A { return 0 }
        let start = text.startIndex
        guard text.count == 6, text[start + 3] == 0x3A, let hours = number(start + 1..<start + 3),
            let minutes = number(start + 4..<start + 6), hours < 24, minutes < 60
        else { return nil }
        let offset = Int64(hours * 3600 + minutes * 60)
        switch text[start] {
        case 0x2B: return offset
        case 0x2D: return -offset
        default: return nil
        }
    }

    private static let secondsOfYearOne = dayNumber(year: 1, month: 1, day: 1) * 86400
    private static let secondsOfYearTenThousand = dayNumber(year: 10000, month: 1, day: 1) * 86400

    /// Days since 1970-01-01 of a day of the Gregorian calendar.
    ///
    /// Years begin in March, so that the leap day is last.
    private static func dayNumber(year: Int, month: Int, day: Int) -> Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = shiftedYear.dividedDown(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = Int64((153 * ((month + 9) % 12) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The day of the Gregorian calendar that is so many days after 1970-01-01.
    private static func civilDate(ofDay dayNumber: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = dayNumber + 719_468
        let era = shifted.dividedDown(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(day))
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        let first = dayNumber(year: year, month: month, day: 1)
        let isDecember = month == 12
        return Int(dayNumber(year: isDecember ? year + 1 : year, month: isDecember ? 1 : month + 1, day: 1) - first)
    }
}

extension Int64 {
    /// The quotient, rounded towards minus infinity.
    fileprivate func dividedDown(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension UInt8 {
    /// `0` to `9`.
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}
