extension SpawnedChild {
    /// Hands the child and its report over to two owners.
    ///
    /// - Parameter body: takes both.
    /// - Returns: what the body makes of them.
    package consuming func split<Result: ~Copyable>(
        _ body: (consuming Child, consuming SpawnReport) -> Result
    ) -> Result {
        body(child, report)
    }
}
