import Testing
import WardenControl

/// What a receiver checks with any library of Standard Webhooks. The expected values are Python's hmac.
@Suite struct SignatureTests {
    @Test(
        arguments: [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
            ),
            ("k3y", "a.1.{}", "v1,JkTfSlYlhV0FkuHeNSMjNGUSwXBB+t2LJHdU6xBGMXA="),
        ])
    func standardWebhooks(_ secret: String, _ message: String, _ expected: String) {
        #expect(MessageSignature.sign(Array(message.utf8), secret: secret) == expected)
    }
}
