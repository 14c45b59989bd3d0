package import WardenCore

/// What `update` would do: groups by name, each list sorted.
package struct ConfigurationDifferences: Hashable, Sendable {
    /// Groups that only the newer one has.
    package var added: [String] = []
    /// Groups that both have and that are not equal.
    package var changed: [String] = []
    /// Groups that only the older one has.
    package var removed: [String] = []

    /// - Parameters:
    ///   - older: the groups that are active.
    ///   - newer: the groups of the configuration as it was just read.
    package init(from older: [GroupSpec], to newer: [GroupSpec]) {
        let active = Dictionary(older.map { ($0.name, $0) }) { first, _ in first }
        let wanted = Dictionary(newer.map { ($0.name, $0) }) { first, _ in first }
        added = wanted.keys.filter { active[$0] == nil }.sorted()
        removed = active.keys.filter { wanted[$0] == nil }.sorted()
        changed = wanted.keys.filter { name in active[name].map { $0 != wanted[name] } ?? false }.sorted()
    }
}
