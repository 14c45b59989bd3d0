// swift-tools-version:6.2
import PackageDescription

/// One array of settings for every target, tests included: what holds in one room holds in all.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A room of the daemon, under `Sources/Warden`.
func room(_ name: String, at folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Warden/\(folder)", swiftSettings: settings)
}

/// The tests of a room, under `Tests`; `excluded` are its files that are not Swift.
func tests(_ folder: String, _ dependencies: [Target.Dependency] = [], excluding excluded: [String] = []) -> Target {
    .testTarget(
        name: "\(folder)Tests", dependencies: dependencies, path: "Tests/\(folder)", exclude: excluded,
        swiftSettings: settings)
}

let package = Package(
    name: "warden",
    products: [
        .executable(name: "warden", targets: ["warden"]),
        .executable(name: "wardenctl", targets: ["wardenctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        room("WardenCore", at: "Core"),
        room("WardenConfig", at: "Config", ["WardenCore"]),
        room("WardenWire", at: "Wire", ["WardenCore"]),
        room("WardenSecrets", at: "Secrets", [.product(name: "CryptoExtras", package: "swift-crypto")]),
        .target(name: "CWardenLinux", path: "Sources/Warden/CLinux"),
        .systemLibrary(
            name: "CSystemd", path: "Sources/Warden/CSystemd", pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(
            name: "CPCRE2", path: "Sources/Warden/CPCRE2", pkgConfig: "libpcre2-8",
            providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/Warden/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]),
        room(
            "WardenLinux", at: "Linux",
            [
                "WardenCore", "WardenConfig", "WardenWire", "CWardenLinux", "CSystemd", "CPCRE2", "CZlib",
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        room(
            "WardenHistory", at: "History",
            [
                "WardenCore", "WardenWire", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        room(
            "WardenControl", at: "Control",
            [
                "WardenCore", "WardenConfig", "WardenWire", "WardenSecrets",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        room(
            "WardenOutbound", at: "Outbound",
            [
                "WardenCore", "WardenConfig", "WardenWire",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        room(
            "WardenRuntime", at: "Runtime",
            [
                "WardenCore", "WardenConfig", "WardenWire", "WardenLinux", "WardenHistory", "WardenControl",
                "WardenOutbound", .product(name: "DequeModule", package: "swift-collections"),
            ]),
        .executableTarget(
            name: "warden", dependencies: ["WardenRuntime"], path: "Sources/Warden/Main", swiftSettings: settings),
        .executableTarget(
            name: "wardenctl",
            dependencies: [
                "WardenCore", "WardenConfig", "WardenWire", "WardenSecrets", "WardenOutbound",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/WardenCtl", swiftSettings: settings),
        tests("Tidy"),
        tests("Core", ["WardenCore"]),
        tests("Config", ["WardenCore", "WardenConfig"]),
        tests("Wire", ["WardenCore", "WardenWire"]),
        tests("Linux", ["WardenCore", "WardenLinux"]),
        tests("History", ["WardenCore", "WardenHistory", .product(name: "GRDB", package: "GRDB.swift")]),
        tests(
            "Control",
            [
                "WardenCore", "WardenWire", "WardenSecrets", "WardenControl",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        tests("Outbound", ["WardenCore", "WardenWire", "WardenOutbound"]),
        tests("Runtime", ["WardenCore", "WardenLinux", "WardenRuntime"]),
        tests("CLI", ["WardenCore", "WardenConfig", "WardenWire", "WardenOutbound", "wardenctl"]),
        tests("Simulation", ["WardenCore", "WardenWire", "WardenRuntime"]),
        tests("Forecast", ["WardenCore"]),
        tests("Benchmarks", ["WardenCore", "WardenLinux"], excluding: ["run"]),
    ]
)
