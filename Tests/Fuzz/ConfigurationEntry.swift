import WardenConfig
import WardenCore

/// A host on which everything is there, and whose one included file is the configuration itself.
private func host(_ bytes: [UInt8]) -> ConfigurationHost {
    ConfigurationHost(
        readFile: { path in
            path.hasPrefix("/etc/") ? .success(bytes) : .failure(.init("No such file or directory"))
        },
        glob: { $0.hasSuffix("*") ? ["/etc/included.conf"] : [] },
        isDirectory: { !$0.hasPrefix("/etc/") },
        fileExists: { $0.utf8.count < 40 },
        isExecutable: { !$0.isEmpty },
        user: { name in
            name == "debian" ? LaunchSpec.Identity(name: name, userID: 1000, groupID: 1000, groupIDs: [7]) : nil
        },
        group: { $0 == "debian" ? 1000 : nil },
        homeDirectory: { $0.isEmpty ? "/root" : nil },
        compilePattern: { pattern in
            pattern.utf8.contains(0x28) ? .init(message: "missing closing parenthesis", offset: 0) : nil
        },
        environment: ["HOME": "/root", "PERCENT": "100%d"], hostNodeName: "gpu7", currentDirectory: "/srv",
        userID: 0, descriptorHardLimit: 524_288)
}

/// Goal: no configuration traps the loader, and each leads either to a configuration or to at least one error.
@c(LLVMFuzzerTestOneInput)
func takeConfiguration(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let host = host(Array(UnsafeBufferPointer(start: start, count: count)))
    let result = ConfigurationLoader.load(path: "/etc/warden.conf", arguments: DaemonArguments(), host: host)
    let hasErrors = result.diagnostics.contains { $0.severity == .error }
    precondition((result.configuration == nil) == hasErrors, "neither a configuration nor an error, or both")
    for diagnostic in result.diagnostics {
        precondition(!diagnostic.description.isEmpty, "a diagnostic says nothing")
    }
    if let groups = result.configuration?.groups {
        let differences = ConfigurationDifferences(from: groups, to: groups)
        precondition(differences == ConfigurationDifferences(from: [], to: []), "a configuration differs from itself")
    }
    return 0
}
