/// The core's only source of randomness: a seeded generator that is handed in, so that a run can be replayed.
///
/// SplitMix64, whose whole state is one word. Not for secrets.
package struct Dice: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter seed: any value; the same seed gives the same throws.
    package init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number at least 0 and below 1.
    package mutating func fraction() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}
