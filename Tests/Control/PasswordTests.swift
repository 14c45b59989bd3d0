import Glibc
import Testing
import WardenControl
import WardenCore
import WardenSecrets
import WardenWire

/// Passwords that nobody can read in the configuration.
@Suite struct PasswordTests {
    /// Made with Python's hashlib.
    private static let thepass =
        "{PBKDF2-SHA256}1000$000102030405060708090a0b0c0d0e0f"
        + "$6c1c4ec40aef68b3b2e190820d721416a538fce1659b56b52c6e06ea0d2c0ba4"
    private static let accented =
        "{PBKDF2-SHA256}210000$000102030405060708090a0b0c0d0e0f"
        + "$ecf1307f562702b2bcc77eb45e248542ff46ae123d7f57c355e3c4527ac9c6fb"

    private static let upper = thepass.replacing("a", with: "A").replacing("f", with: "F")

    @Test(
        arguments: [
            (thepass, "user:thepass", true), (thepass, "user:thepas", false), (thepass, "other:thepass", false),
            (thepass, "user:", false), (upper, "user:thepass", true),
            (accented, "user:p\u{E4}ssw\u{F6}rt", true), (accented, "user:p\u{E4}sswort", false),
            // A damaged value is nobody's password, not even the one that spells it.
            ("{PBKDF2-SHA256}1000$00$00", "user:{PBKDF2-SHA256}1000$00$00", false),
            ("{PBKDF2-SHA256}", "user:", false), ("{PBKDF2-SHA256}", "user:{PBKDF2-SHA256}", false),
        ])
    func storedPasswords(password: String, given: String, isAdmitted: Bool) async throws {
        try await TestServer.run(FakeDaemon()) { listener in
            listener.credentials = ControlCredentials(username: "user", password: password)
        } _: { (server) async throws in
            // The second time the answer is remembered.
            for _ in 0..<2 {
                let answer = try await server.get("/ok.html", headers: PasswordTests.header(given))
                #expect(answer.status == (isAdmitted ? 200 : 401))
            }
        }
    }

    @Test func ownHashesMatch() throws {
        let made = try #require(StoredPassword(hashing: Array("thepass".utf8)))
        let read = try #require(StoredPassword(made.text))
        #expect(read == made)
        #expect(read.matches(Array("thepass".utf8)))
        #expect(!read.matches(Array("thepasS".utf8)))
        #expect(StoredPassword(hashing: Array("thepass".utf8)) != made)
        var text = "\(made)"
        dump(made, to: &text)
        #expect(!text.contains(made.text.suffix(20)))
    }

    /// A client that asks again and again, with the right password or a wrong one, is hashed for once: 400 requests
    /// cost less of the processor than half as many hashes would.
    @Test func pollingIsNotHashedAgain() async throws {
        // The dearest, so that it stands out from what other tests of this process burn meanwhile.
        let dearest = StoredPassword.iterationRange.upperBound
        let made = try #require(StoredPassword(hashing: Array("thepass".utf8), iterations: dearest))
        let before = PasswordTests.processorSeconds()
        #expect(made.matches(Array("thepass".utf8)))
        let oneHash = PasswordTests.processorSeconds() - before
        try await TestServer.run(FakeDaemon()) { listener in
            listener.credentials = ControlCredentials(username: "user", password: made.text)
        } _: { (server) async throws in
            let began = PasswordTests.processorSeconds()
            for _ in 0..<200 {
                #expect(try await server.get("/ok.html", headers: PasswordTests.header("user:thepass")).status == 200)
                #expect(try await server.get("/ok.html", headers: PasswordTests.header("user:wrong")).status == 401)
            }
            #expect(PasswordTests.processorSeconds() - began < oneHash * 200)
        }
    }

    /// A flood of wrong passwords is cut short; whoever was let in before is served meanwhile.
    @Test func floodKeepsNobodyOut() async throws {
        let made = try #require(StoredPassword(hashing: Array("thepass".utf8)))
        try await TestServer.run(FakeDaemon(), connectionLimit: 128) { listener in
            listener.credentials = ControlCredentials(username: "user", password: made.text)
        } _: { (server) async throws in
            #expect(try await server.get("/ok.html", headers: PasswordTests.header("user:thepass")).status == 200)
            try await withThrowingTaskGroup(of: Int.self) { clients in
                for number in 0..<(3 * ControlLimits.waitingPasswords) {
                    clients.addTask {
                        try await server.get("/ok.html", headers: PasswordTests.header("user:wrong\(number)")).status
                    }
                }
                // On a busy host the first few may be hashed before the others have come.
                var status = try await clients.next()
                while status == 401 { status = try await clients.next() }
                #expect(status == 503)
                for _ in 0..<20 {
                    let status = try await server.get("/ok.html", headers: PasswordTests.header("user:thepass")).status
                    #expect(status == 200)
                }
                clients.cancelAll()
            }
        }
    }

    private static func header(_ credentials: String) -> String {
        "Authorization: Basic \(Base64.encode(Array(credentials.utf8)))\r\n"
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
    }
}
