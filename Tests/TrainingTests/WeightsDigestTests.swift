import Basics
import Formats
import Testing
import Training

@Suite struct WeightsDigestTests {
    private let tensors = [
        TensorSource(name: "users", (0..<6).map { Float($0) / 4 }, shape: [3, 2]),
        TensorSource(name: "items", [1.5, -2.0] as [Float], shape: [1, 2]),
        TensorSource(name: "global_mean", [3.25] as [Double], shape: []),
        TensorSource(name: "counts", [1, 1 << 40] as [Int64]),
        TensorSource(name: "Zeta", [] as [UInt8]),
    ]

    /// Made by `golden/weights_digest.py` with NumPy and hashlib.
    @Test func agreesWithPython() throws {
        let expected = "f9ae5a24339393fc6084c20a397f8c064b3dfd62336c2d1877ca887dac2a0657"
        #expect(try WeightsDigest.sha256(tensors) == expected)
        #expect(try WeightsDigest.sha256(tensors.reversed()) == expected)
        let folder = try Folder()
        try SafeTensors.write(tensors, to: folder.path + "/w.safetensors")
        #expect(try WeightsDigest.sha256(SafeTensorsFile(folder.path + "/w.safetensors")) == expected)
    }
}
