/// Which known name was probably meant.
enum Spelling {
    /// `; did you mean 'X'?`, or nothing when no name is near.
    static func suggestion(for name: String, among known: some Sequence<String>) -> String {
        nearest(to: name, among: known).map { "; did you mean \(quoted($0))?" } ?? ""
    }

    /// The nearest of the known names, the first of equals; `nil` when none is near.
    static func nearest(to name: String, among known: some Sequence<String>) -> String? {
        let scalars = Array(name.lowercased().unicodeScalars.prefix(ConfigLimits.comparedScalars))
        let reach = scalars.count <= 3 ? 1 : max(2, scalars.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in known {
            let other = Array(candidate.lowercased().unicodeScalars.prefix(ConfigLimits.comparedScalars))
            guard abs(other.count - scalars.count) <= reach else { continue }
            let distance = distance(scalars, other)
            if distance <= reach, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Insertions, deletions, substitutions and swaps of neighbours.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var older: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let cost = left[row] == right[column] ? 0 : 1
                var best = min(previous[column] + cost, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, older[column - 1] + 1)
                }
                current.append(best)
            }
            older = previous
            previous = current
        }
        return previous[right.count]
    }
}
