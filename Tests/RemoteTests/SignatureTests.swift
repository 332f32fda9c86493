import Basics
import Foundation
import Remote
import Testing

struct SignatureTests {
    /// The examples of “Signature Calculations for the Authorization Header” in Amazon's S3 documentation that sign the
    /// headers which we send too. 24 May 2013.
    @Test(arguments: [
        (
            "https://examplebucket.s3.amazonaws.com/test.txt", ["range": "bytes=0-9"],
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
        (
            "https://examplebucket.s3.amazonaws.com/?lifecycle", [:],
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        ),
        (
            "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", [:],
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        ),
    ])
    func documentedGets(_ url: String, _ headers: [String: String], _ signature: String) throws {
        let signed = try sign(.get, url, headers, payload: Signature4.noPayload)
        #expect(signed.hasSuffix("Signature=" + signature))
    }

    @Test func documentedPut() throws {
        let signed = try sign(
            .put, "https://examplebucket.s3.amazonaws.com/test%24file.text",
            ["date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"],
            payload: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
        #expect(signed.hasSuffix("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
    }

    private func sign(
        _ method: WebRequest.Method, _ url: String, _ headers: [String: String], payload: String
    ) throws -> String {
        var request = WebRequest(method: method, address: try WebAddress(url), headers: headers)
        let credentials = Credentials(
            keyID: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", sessionToken: nil,
            source: "the documentation")
        Signature4(credentials: credentials, region: "us-east-1").sign(&request, payload: payload, at: 1_369_353_600)
        return request.headers["authorization"] ?? ""
    }

    /// Of Amazon's test suite for Signature 4: get-vanilla and get-vanilla-query-order-key-case. 30 August 2015.
    @Test(arguments: [
        ("https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
    ])
    func suite(_ url: String, _ signature: String) throws {
        var request = WebRequest(address: try WebAddress(url))
        let credentials = Credentials(
            keyID: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: nil, source: "")
        Signature4(credentials: credentials, region: "us-east-1", service: "service")
            .sign(&request, payload: Signature4.noPayload, at: 1_440_938_160)
        #expect(
            request.headers["authorization"]
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=host;x-amz-date, Signature=" + signature)
    }

    private struct Case: Decodable {
        let method: String
        let url: String
        let headers: [String: String]
        let payload: String
        let token: String?
        let authorization: String
        let date: String
    }

    @Test func sameAsBotocore() throws {
        let path = Files.parent(#filePath) + "/golden/signatures.json"
        let cases = try JSON.decode([Case].self, from: Files.read(path), file: path)
        #expect(cases.count == 8)
        for entry in cases {
            var request = WebRequest(
                method: try #require(.init(rawValue: entry.method)), address: try WebAddress(entry.url),
                headers: entry.headers)
            let credentials = Credentials(
                keyID: "AKIDEXAMPLE", secret: "secret/KEY+example", sessionToken: entry.token, source: "")
            Signature4(credentials: credentials, region: "eu-west-1")
                .sign(&request, payload: entry.payload, at: 1_795_338_487)
            #expect(request.headers["x-amz-date"] == entry.date)
            #expect(request.headers["authorization"] == entry.authorization, "\(entry.url)")
            #expect(request.headers["x-amz-security-token"] == entry.token)
        }
    }
}
