import Basics
import CTorch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// LibTorch, opened through the plugin `libstarling_torch.so` when it is first needed.
///
/// Nothing of it is linked: what uses no tensor never touches it. The plugin is looked for at `STARLING_TORCH` (the file or its
/// folder), beside the running executable, and in the `torch` folder of the package's build folder.
public struct TorchLibrary: Sendable {
    /// `@unchecked`: the table is constant.
    struct Plugin: @unchecked Sendable { let table: UnsafePointer<starling_torch> }

    let plugin: Plugin
    /// Of the plugin.
    public let path: String
    /// Of its part for NCCL, which need not be there.
    var ncclPath: String { Files.parent(path) + "/libstarling_nccl.so" }
    /// Of LibTorch: `2.15.0`.
    public var version: String { String(cString: plugin.table.pointee.version) }

    /// The library, opened at the first call.
    ///
    /// - Throws: `unavailable` that says what is missing and how to build it.
    /// - Complexity: the first call takes about half a second and 140 MB.
    public static func opened() throws -> TorchLibrary { try shared.get() }

    private static let shared = Result { try open() }

    /// How many threads operators use on the CPU. Of the whole process; set before the first operator.
    public func setThreads(_ count: Int) throws {
        try check(plugin.table.pointee.set_threads(Int32(count)))
    }

    /// Calls `body` for parts of `0..<count` on the threads that operators use, and waits for all. For kernels of ours between
    /// operators; what is computed must not depend on how the parts are cut.
    public func parallel(_ count: Int, _ body: (Range<Int>) -> Void) throws {
        try withoutActuallyEscaping(body) { body in
            var body = body
            try withUnsafeMutablePointer(to: &body) { context in
                try check(
                    plugin.table.pointee.parallel(
                        Int64(count),
                        { context, first, last in
                            context!.assumingMemoryBound(to: ((Range<Int>) -> Void).self)
                                .pointee(Int(first)..<Int(last))
                        }, context))
            }
        }
    }

    /// Seeds the random numbers of all devices.
    public func seed(_ seed: UInt64) throws { try check(plugin.table.pointee.seed(seed)) }

    /// Tensors that are alive: for tests of what is given back.
    public var tensorsHeld: Int { Int(plugin.table.pointee.held()) }

    /// Turns a function's code into an error.
    func check(_ code: Int32) throws {
        guard code != 0 else { return }
        let message = String(cString: plugin.table.pointee.last_error()!)
        switch Int(code) {
        case STARLING_TORCH_OUT_OF_MEMORY:
            throw StarlingError(
                .outOfMemory, message, remedy: "use a smaller batch, --precision bf16, or a smaller model")
        case STARLING_TORCH_NO_DEVICE:
            throw StarlingError(.unavailable, message, remedy: "use --device cpu, or auto, or install NVIDIA's driver")
        default: throw StarlingError(.failed, message)
        }
    }

    private static func open() throws -> TorchLibrary {
        let tried = candidates()
        guard let path = tried.first(where: { Files.size($0) != nil }) else {
            throw StarlingError(
                .unavailable, "LibTorch's plugin \(fileName) is not there: looked at \(tried.joined(separator: ", "))",
                remedy: "build it with `make torch`, or set STARLING_TORCH to where it is")
        }
        // LibTorch's threads wait for each other many times a step, and spin for milliseconds while they do: beside another
        // busy program that costs several times as much as sleeping soon.
        if getenv("OMP_WAIT_POLICY") == nil { setenv("GOMP_SPINCOUNT", "10000", 0) }
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), let symbol = dlsym(handle, "starling_torch_plugin")
        else {
            throw StarlingError(
                .unavailable, "LibTorch's plugin cannot be opened: \(dlerror().map { String(cString: $0) } ?? "")",
                at: .init(file: path), remedy: "build it again with `make torch`, against the LibTorch that is there")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<starling_torch>
        let table = unsafeBitCast(symbol, to: Entry.self)()
        guard table.pointee.abi == STARLING_TORCH_ABI else {
            throw StarlingError(
                .unavailable, "LibTorch's plugin has version \(table.pointee.abi), this is for \(STARLING_TORCH_ABI)",
                at: .init(file: path), remedy: "build it again with `make torch`")
        }
        let (version, built) = (String(cString: table.pointee.version), String(cString: table.pointee.built_for))
        guard version == built else {
            throw StarlingError(
                .unavailable, "LibTorch's plugin was built for LibTorch \(built), and found \(version)",
                at: .init(file: path), remedy: "build it again with `make torch`")
        }
        return TorchLibrary(plugin: Plugin(table: table), path: path)
    }

    #if os(macOS)
    private static let fileName = "libstarling_torch.dylib"
    #else
    private static let fileName = "libstarling_torch.so"
    #endif

    private static func candidates() -> [String] {
        if let named = Host.variable("STARLING_TORCH") {
            return [named.hasSuffix(".so") || named.hasSuffix(".dylib") ? named : named + "/" + fileName]
        }
        let folder = Host.executableFolder
        // .build/x86_64-…/release/starling finds .build/torch.
        return [folder + "/" + fileName, folder + "/../torch/" + fileName, folder + "/../../torch/" + fileName]
    }
}
