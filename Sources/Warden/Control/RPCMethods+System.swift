import WardenWire

extension RPCMethod {
    /// What the interface says of itself, and several calls in one.
    static let systemMethods: [RPCMethod] = [
        RPCMethod(
            name: "system.listMethods", signature: ["array"], help: "The names of all methods.",
            isRefusedWhileStopping: false
        ) { _, _ in .array(all.keys.sorted().map { .string($0) }) },
        RPCMethod(
            name: "system.methodHelp", signature: ["string", "string"], help: "What a method does.",
            isRefusedWhileStopping: false
        ) { (_, arguments) async throws(RPCFailure) in
            guard let method = all[try arguments.word(0)] else { throw .fault(.signatureUnsupported) }
            return .string(method.help)
        },
        RPCMethod(
            name: "system.methodSignature", signature: ["array", "string"],
            help: "The type of a method's result and the types of its parameters.", isRefusedWhileStopping: false
        ) { (_, arguments) async throws(RPCFailure) in
            guard let method = all[try arguments.word(0)] else { throw .fault(.signatureUnsupported) }
            return .array(method.signature.map { .string($0) })
        },
        RPCMethod(
            name: "system.multicall", signature: ["array", "array"],
            help: "Does several calls one after the other; each result is a value or a fault's structure.",
            isRefusedWhileStopping: false
        ) { (scope, arguments) async throws(RPCFailure) in
            let calls = try arguments.list(0)
            guard calls.count <= ControlLimits.multicallCount else {
                throw .fault(.incorrectParameters, "more than \(ControlLimits.multicallCount) calls")
            }
            var results: [XMLRPCValue] = []
            for call in calls {
                do throws(RPCFailure) {
                    results.append(try await scope.element(call))
                } catch {
                    results.append(error.xmlRPC)
                }
            }
            return .array(results)
        },
    ]
}

extension RPCScope {
    /// One call of a multicall.
    ///
    /// Its result stands in the array as it is, where the convention would wrap it.
    fileprivate func element(_ call: XMLRPCValue) async throws(RPCFailure) -> XMLRPCValue {
        guard let method = call["methodName"]?.string else { throw .fault(.incorrectParameters, "No methodName") }
        if method == "system.multicall" { throw .fault(.incorrectParameters, "Recursive system.multicall forbidden") }
        return try await endpoint.perform(XMLRPCCall(method: method, parameters: call["params"]?.array ?? []), self)
    }
}
