/// The slots, in the order in which their numbers were given out.
///
/// An array and not a dictionary: a slot is large, and only an array lets one field of it be read where it lies.
/// Numbers only grow, so the array stays sorted by itself.
struct SlotTable: Codable, Sendable {
    private(set) var entries: [Slot] = []

    var count: Int { entries.count }

    /// A copy of the slot. Where one field is enough, `position` and `entries` are cheaper.
    subscript(id: SlotID) -> Slot? {
        position(of: id).map { entries[$0] }
    }

    /// Where the slot lies; `nil` when there is none of this number.
    func position(of id: SlotID) -> Int? {
        // Nothing was ever removed before it: then it lies where its number says.
        let guess = Int(id.number) - 1
        if guess >= 0, guess < entries.count, entries[guess].id == id { return guess }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].id == id ? low : nil
    }

    /// Adds a slot, whose number is higher than every one before it.
    mutating func append(_ slot: Slot) {
        entries.append(slot)
    }

    mutating func remove(_ id: SlotID) -> Slot? {
        position(of: id).map { entries.remove(at: $0) }
    }

    /// Changes a slot in place.
    mutating func change<Result>(at position: Int, _ body: (inout Slot) -> Result) -> Result {
        body(&entries[position])
    }
}
