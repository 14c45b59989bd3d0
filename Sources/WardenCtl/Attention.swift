/// The person, while a log is followed: what they type, and their Ctrl-C.
package struct Attention {
    /// Following begins; Ctrl-C no longer ends the program.
    package var begin: () -> Void
    /// Following has ended.
    package var end: () -> Void
    /// Ctrl-C came since it began.
    package var isInterrupted: () -> Bool
    /// What was typed, without waiting.
    package var typed: () -> Typed

    /// - Parameters: as the properties of the same names.
    package init(
        begin: @escaping () -> Void, end: @escaping () -> Void, isInterrupted: @escaping () -> Bool,
        typed: @escaping () -> Typed
    ) {
        self.begin = begin
        self.end = end
        self.isInterrupted = isInterrupted
        self.typed = typed
    }

    /// Nobody is there: nothing is typed, and nothing interrupts.
    package static var nobody: Attention {
        Attention(begin: {}, end: {}, isInterrupted: { false }, typed: { .end })
    }

    /// The person at this terminal.
    static var terminal: Attention {
        Attention(
            begin: Interruption.followingBegan, end: Interruption.followingEnded,
            isInterrupted: { Interruption.hasHappened }, typed: StandardInput.typed)
    }
}
