import WardenWire

/// A method of the XML-RPC interface.
struct RPCMethod: Sendable {
    /// What it does with the arguments.
    typealias Body = @Sendable (RPCScope, RPCArguments) async throws(RPCFailure) -> XMLRPCValue

    /// `namespace.name`.
    var name: String
    /// Its result's type and its parameters' types, as `system.methodSignature` lists them.
    var signature: [String]
    /// How many of the parameters may be left out.
    var optionalCount = 0
    /// One sentence for `system.methodHelp`.
    var help: String
    /// True when it changes something: for operators only.
    var isChange = false
    /// True when it is refused with SHUTDOWN_STATE while the daemon stops, as nearly all of supervisord's are.
    var isRefusedWhileStopping = true
    /// What it does.
    var run: Body

    /// How many parameters it takes.
    var arity: ClosedRange<Int> { (signature.count - 1 - optionalCount)...(signature.count - 1) }

    /// Another name for it.
    func alias(_ name: String) -> RPCMethod {
        var copy = self
        copy.name = name
        return copy
    }

    /// Every method by name.
    static let all: [String: RPCMethod] = {
        let methods =
            daemonMethods + groupMethods + startMethods + stopMethods + signalMethods + infoMethods
            + logReadMethods + logClearMethods + inputMethods + systemMethods + wardenMethods
        return Dictionary(methods.map { ($0.name, $0) }) { first, _ in first }
    }()
}
