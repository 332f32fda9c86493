// swift-tools-version: 6.1
import PackageDescription

// One target a room. A room may depend only on rooms above it in this list (docs/architecture.md).
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Resources are compiled in, so that a program is one file.
func room(_ name: String, _ dependencies: [Target.Dependency], embedding resources: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources.map { .embedInCode($0) }, swiftSettings: strict)
}

/// Tests of a room. Golden files, made by other people's tools, lie in `golden` and are read from the source tree.
func tests(_ name: String, _ dependencies: [Target.Dependency], golden: Bool = false) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies, exclude: golden ? ["golden"] : [], swiftSettings: strict)
}

let package = Package(
    name: "starling",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Starling", targets: ["Starling"]),
        .library(name: "Remote", targets: ["Remote"]),
        .library(name: "Stores", targets: ["Stores"]),
        .library(name: "Neural", targets: ["Neural", "Torch"]),
        .executable(name: "starling", targets: ["FullProgram"]),
        .executable(name: "starling-core", targets: ["CoreProgram"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(
            name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"]), .brew(["xxhash"])]),
        .target(name: "CKernels", cSettings: [.define("_GNU_SOURCE", .when(platforms: [.linux]))]),
        room("Basics", [.product(name: "Crypto", package: "swift-crypto")]),
        room("Kernels", ["Basics", "CKernels"]),
        room(
            "Formats",
            [
                "Basics", "CKernels", "Kernels", "CZlib", "CZstd", "CXXHash",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        room(
            "Remote",
            [
                "Basics", "Formats", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]),
        room("Interactions", ["Basics", "CKernels", "Kernels", "Formats"]),
        room("Ranking", ["Basics", "Kernels", "CKernels", "Interactions"]),
        room("Training", ["Basics", "Kernels", "Formats", "Interactions", "Ranking"]),
        room(
            "Factorization", ["Basics", "Kernels", "CKernels", "Formats", "Interactions", "Ranking", "Training"]),
        room(
            "Stores",
            [
                "Basics", "Kernels", "Formats", "Remote", "Interactions", "Training",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        room("Tracking", ["Basics", "Formats", "Remote", "Training"]),
        room(
            "Reports", ["Basics", "Kernels", "Formats", "Interactions", "Ranking", "Training"],
            embedding: ["template.html"]),
        // LibTorch's plugin as a table of functions; it is opened at run time (scripts/torch, Plugins/torch).
        .systemLibrary(name: "CTorch"),
        room("Torch", ["Basics", "CKernels", "CTorch"]),
        room(
            "Neural",
            [
                "Basics", "Kernels", "CKernels", "Formats", "Interactions", "Ranking", "Training", "Factorization",
                "Torch", "CXXHash",
            ]),
        room("Starling", ["Basics", "Kernels", "Formats", "Interactions", "Ranking", "Training", "Factorization"]),
        room(
            "StarlingCommand",
            [
                "Starling", "CKernels", "Formats", "Reports", "Neural", "Torch",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], embedding: ["MLflowModel/starling_model.py"]),
        .executableTarget(
            name: "FullProgram", dependencies: ["StarlingCommand", "Remote", "Stores", "Tracking"],
            path: "Sources/Programs/starling",
            swiftSettings: strict),
        .executableTarget(
            name: "CoreProgram", dependencies: ["StarlingCommand"], path: "Sources/Programs/starling-core",
            swiftSettings: strict),
        // What Benchmarks/bench measures streams with; no product.
        .executableTarget(
            name: "StreamSpeed", dependencies: ["Basics", "Formats", "Interactions"], path: "Benchmarks/streams",
            swiftSettings: strict),
        // Ranks as threads, for tests of several rooms.
        .target(name: "LocalRanks", dependencies: ["Basics"], path: "Tests/LocalRanks", swiftSettings: strict),
        tests("Kernels", ["Basics", "Kernels"]),
        tests("Formats", ["Basics", "Kernels", "Formats"], golden: true),
        tests("Remote", ["Basics", "Formats", "Interactions", "Remote"], golden: true),
        .testTarget(
            name: "StoresTests", dependencies: ["Stores"], exclude: ["standin"], swiftSettings: strict),
        tests(
            "Interactions", ["Basics", "CKernels", "Kernels", "Formats", "Interactions", "LocalRanks"], golden: true),
        tests("Ranking", ["Basics", "Kernels", "CKernels", "Interactions", "Ranking"], golden: true),
        tests("Training", ["Basics", "Kernels", "Formats", "Interactions", "Ranking", "Training"], golden: true),
        tests("Factorization", ["Starling", "CKernels", "LocalRanks"], golden: true),
        tests("Torch", ["Basics", "Formats", "Torch", "LocalRanks"], golden: true),
        tests(
            "Neural",
            [
                "Basics", "Kernels", "CKernels", "Formats", "Interactions", "Ranking", "Training", "Factorization",
                "Torch", "Neural", "LocalRanks",
            ], golden: true),
        tests("Reports", ["Basics", "Kernels", "Formats", "Interactions", "Ranking", "Training", "Reports"]),
        tests("Starling", ["Starling"]),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "Starling", "Training", "Torch", "StarlingCommand", "Stores", "Tracking", "FullProgram", "CoreProgram",
                "LocalRanks",
            ],
            exclude: ["golden", "mlflow", "report"], swiftSettings: strict),
    ],
    cLanguageStandard: .c11
)
