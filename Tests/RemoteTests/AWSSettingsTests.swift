import Basics
import Remote
import Testing

struct AWSSettingsTests {
    private let scratch = try! Scratch()

    private func home(credentials: String? = nil, config: String? = nil) throws -> String {
        try Files.makeDirectory(scratch.folder + "/.aws")
        if let credentials { try Files.write(credentials.utf8, to: scratch.folder + "/.aws/credentials") }
        if let config { try Files.write(config.utf8, to: scratch.folder + "/.aws/config") }
        return scratch.folder
    }

    @Test func nothingIsAnonymous() throws {
        let settings = try AWSSettings(Environment(["HOME": scratch.folder]))
        #expect(settings.credentials == nil && settings.region == "us-east-1" && settings.endpoint == nil)
    }

    @Test func variablesWinOverProfiles() throws {
        let home = try home(
            credentials: "[default]\naws_access_key_id = file\naws_secret_access_key = file-secret\n",
            config: "[default]\nregion = eu-west-3\nendpoint_url = https://minio.example:9000/base\n")
        let fromFile = try AWSSettings(Environment(["HOME": home]))
        #expect(fromFile.credentials?.keyID == "file" && fromFile.region == "eu-west-3")
        #expect(fromFile.endpoint?.shown == "https://minio.example:9000/base")
        let fromVariables = try AWSSettings(
            Environment([
                "HOME": home, "AWS_ACCESS_KEY_ID": "variable", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
                "AWS_DEFAULT_REGION": "us-west-2", "S3_ENDPOINT_URL": "http://127.0.0.1:9000",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            ]))
        #expect(fromVariables.credentials?.keyID == "variable" && fromVariables.credentials?.sessionToken == "t")
        #expect(fromVariables.region == "us-west-2")
        #expect(fromVariables.endpoint?.shown == "http://127.0.0.1:9000/")
    }

    @Test func namedProfile() throws {
        let home = try home(
            credentials: """
                # a comment
                [other]
                aws_access_key_id=wrong
                aws_secret_access_key=wrong
                [team a]
                aws_access_key_id = AKIA
                aws_secret_access_key = a/b+c==
                """,
            config: "[profile team a]\nregion=eu-north-1\ns3 =\n  endpoint_url = nested\n")
        let settings = try AWSSettings(Environment(["HOME": home, "AWS_PROFILE": "team a"]))
        #expect(settings.credentials?.keyID == "AKIA" && settings.credentials?.secret == "a/b+c==")
        #expect(settings.region == "eu-north-1" && settings.endpoint == nil)
        expectError("AWS_PROFILE names “absent”", code: .usage) {
            _ = try AWSSettings(Environment(["HOME": home, "AWS_PROFILE": "absent"]))
        }
    }

    @Test func whatIsHalfOrNotSupported() throws {
        expectError("AWS_SECRET_ACCESS_KEY is not set", code: .usage) {
            _ = try AWSSettings(Environment(["AWS_ACCESS_KEY_ID": "x"]))
        }
        let home = try home(config: "[profile sso]\nsso_session = work\n")
        expectError("profile sso", "sso_session", "aws configure export-credentials", code: .usage) {
            _ = try AWSSettings(Environment(["HOME": home, "AWS_PROFILE": "sso"]))
        }
        expectError("AWS_ENDPOINT_URL_S3", code: .usage) {
            _ = try AWSSettings(Environment(["AWS_ENDPOINT_URL_S3": "minio:9000"]))
        }
        expectError("AWS_REGION", code: .usage) { _ = try AWSSettings(Environment(["AWS_REGION": "eu.evil/x"])) }
    }
}
