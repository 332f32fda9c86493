import Formats
import Kernels
import Testing

@Suite struct DecimalTextTests {
    private func float(_ text: String) -> Result<Float, DecimalText.Problem> {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { bytes in
            do throws(DecimalText.Problem) { return .success(try DecimalText.float(bytes)) } catch {
                return .failure(error)
            }
        }
    }

    private func integer(_ text: String) -> Result<Int64, DecimalText.Problem> {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { bytes in
            do throws(DecimalText.Problem) { return .success(try DecimalText.integer(bytes)) } catch {
                return .failure(error)
            }
        }
    }

    /// The standard library rounds correctly; so must this, on short numbers, long ones and borders between floats.
    @Test func floatsAreRoundedAsTheStandardLibraryDoes() {
        var random = RandomStream(seed: 1, .test)
        var texts: [String] = []
        for _ in 0..<20_000 {
            let digits = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                String(Int.random(in: 0...9, using: &random))
            }.joined()
            var text = digits
            if Bool.random(using: &random) {
                let point = Int.random(in: 0...digits.count, using: &random)
                text = String(digits.prefix(point)) + "." + String(digits.dropFirst(point))
            }
            if Int.random(in: 0..<4, using: &random) == 0 { text += "e\(Int.random(in: -60...40, using: &random))" }
            if Int.random(in: 0..<3, using: &random) == 0 { text = "-" + text }
            texts.append(text)
        }
        for _ in 0..<5000 {
            // A border between two floats, written out, and its neighbours.
            let low = Float(bitPattern: UInt32.random(in: 0x0000_0001..<0x7F00_0000, using: &random))
            let border = (Double(low) + Double(low.nextUp)) / 2
            texts += ["\(border)", "\(border.nextUp)", "\(border.nextDown)", "\(low)"]
        }
        for text in texts {
            let expected = Float(text)!
            switch float(text) {
            case .success(let value): #expect(value.bitPattern == expected.bitPattern, "\(text)")
            case .failure(let problem): #expect(problem == .notFinite && !expected.isFinite, "\(text)")
            }
        }
    }

    @Test(arguments: [
        "", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1_0", "1,5", " 1", "1 ", "--1", "five", "n",
    ])
    func whatIsNoNumber(text: String) {
        #expect(float(text) == .failure(.notANumber))
        #expect(integer(text) == .failure(.notANumber))
    }

    @Test(arguments: ["nan", "NaN", "-nan", "inf", "-Inf", "Infinity", "+infinity", "1e400"])
    func whatIsNotFinite(text: String) {
        #expect(float(text) == .failure(.notFinite))
        #expect(integer(text) == .failure(.notFinite))
    }

    @Test func integersCutFractions() {
        let cases: [(String, Int64)] = [
            ("0", 0), ("-0", 0), ("964982703", 964_982_703), ("964982703.0", 964_982_703), ("1.99", 1), ("-1.99", -1),
            (".5", 0), ("8.8e8", 880_000_000), ("+7", 7), ("007", 7),
            ("9223372036854775807", .max), ("-9223372036854775808", .min),
        ]
        for (text, expected) in cases { #expect(integer(text) == .success(expected), "\(text)") }
        for text in ["9223372036854775808", "-9223372036854775809", "1e19", "99999999999999999999"] {
            #expect(integer(text) == .failure(.notFinite), "\(text)")
        }
    }

    @Test func idsAreCanonicalIntegersOnly() {
        func row(_ text: String) -> UInt32? { Array(text.utf8).withUnsafeBufferPointer { DecimalText.rowNumber($0) } }
        func canonical(_ text: String) -> Int64? {
            Array(text.utf8).withUnsafeBufferPointer { DecimalText.canonicalInteger($0) }
        }
        #expect(row("0") == 0 && row("4294967294") == 4_294_967_294)
        for text in ["", "00", "01", "-1", "+1", "4294967295", "42949672940", " 1", "1.0", "a"] {
            #expect(row(text) == nil)
        }
        for text in [
            "0", "-1", "12", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
            "-9223372036854775809", "-0", "+1", "007", "1e3", "", "-", "12345678901234567890",
        ] {
            let number = Int64(text)
            #expect(canonical(text) == (number.map { "\($0)" } == text ? number : nil), "\(text)")
        }
    }
}
