extension SpawnedChild {
    /// Lets a child run that waits at its gate; nothing happens to one that does not.
    ///
    /// - Returns: false when it is gone, which its exit tells.
    @discardableResult
    package mutating func openGate() -> Bool {
        guard let gate = gate.take() else { return true }
        return gate.open()
    }

    /// Hands the child and its report over to two owners. A gate that was not opened before ends the child.
    ///
    /// - Parameter body: takes both.
    /// - Returns: what the body makes of them.
    package consuming func split<Result: ~Copyable>(
        _ body: (consuming Child, consuming SpawnReport) -> Result
    ) -> Result {
        body(child, report)
    }
}
