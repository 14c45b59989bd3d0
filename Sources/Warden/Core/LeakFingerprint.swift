/// Which kinds of descriptors grow, and how many for each progress line: two censuses of one generation compared.
package struct LeakFingerprint: Hashable, Codable, Sendable {
    private struct Count: Hashable, Codable, Sendable {
        var kinds: [Forensics.KindCount]
        var progressLines: UInt64
    }

    private var baseline: Count?
    private var latest: Count?

    /// No census yet.
    package init() {}

    /// Whether there is something to compare with.
    package var hasBaseline: Bool { baseline != nil }

    /// The descriptors were counted. The first census is what later ones are compared with.
    package mutating func counted(_ kinds: [Forensics.KindCount], progressLines: UInt64) {
        let count = Count(kinds: Array(kinds.prefix(Limits.fingerprintKinds)), progressLines: progressLines)
        if baseline == nil { baseline = count } else { latest = count }
    }

    /// What grew between the first census and the last, most first: `+412 pipe, 2.0 per progress line`.
    package var growth: [Evidence] {
        guard let baseline, let latest else { return [] }
        var rises: [Forensics.KindCount] = []
        for entry in latest.kinds {
            let before = baseline.kinds.first { $0.kind == entry.kind }?.count ?? 0
            // A few more or less is what every worker does.
            if entry.count - before >= Limits.fingerprintRise {
                rises.append(Forensics.KindCount(kind: entry.kind, count: entry.count - before))
            }
        }
        rises.sort { ($1.count, $0.kind) < ($0.count, $1.kind) }
        let lines = latest.progressLines - baseline.progressLines
        return rises.prefix(Limits.fingerprintShown).map { rise in
            let each = lines > 0 ? ", +\(Self.tenths(Double(rise.count) / Double(lines))) per progress line" : ""
            return Evidence(
                rule: "grows_by_kind", value: .text("+\(rise.count) \(rise.kind)\(each)"), threshold: .number(0))
        }
    }

    /// A number with one decimal; two where it is small, none where it is large.
    static func tenths(_ number: Double) -> String {
        if number >= 100 { return String(Int64(min(number, 1e15) + 0.5)) }
        let scale: Double = number < 1 ? 100 : 10
        let whole = Int64(number * scale + 0.5)
        let (units, rest) = (whole / Int64(scale), String(whole % Int64(scale)))
        return "\(units).\(scale == 100 && rest.count < 2 ? "0" : "")\(rest)"
    }
}
