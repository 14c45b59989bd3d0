import Testing
import WardenCore
import WardenWire

/// Calls and responses: what supervisord's clients send is understood, what they get is byte for byte what they know.
@Suite struct XMLRPCTests {
    private static func call(_ inner: String) -> String {
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>m</methodName>\n<params><param>"
            + inner + "</param></params></methodCall>"
    }

    private static func decode(_ text: String) throws(XMLRPCError) -> XMLRPCCall {
        try XMLRPCCall(decoding: Array(text.utf8))
    }

    @Test(
        "Every spelling of a value that clients use is understood.",
        arguments: [
            ("<value><int>-7</int></value>", XMLRPCValue.int(-7)),
            ("<value><i4> 12 </i4></value>", .int(12)),
            ("<value><i8>8589934592</i8></value>", .int(8_589_934_592)),
            ("<value><boolean>1</boolean></value>", .bool(true)),
            ("<value><boolean>0</boolean></value>", .bool(false)),
            ("<value>plain</value>", .string("plain")),
            ("<value></value>", .string("")),
            ("<value/>", .string("")),
            ("<value><string/></value>", .string("")),
            ("<value><string> kept </string></value>", .string(" kept ")),
            ("<value>\n<string>x</string>\n</value>", .string("x")),
            ("<value><string>a&lt;b&amp;&gt;&quot;&apos;</string></value>", .string("a<b&>\"'")),
            ("<value><string>&#233;&#xE9;&#x1F600;</string></value>", .string("éé😀")),
            ("<value><string><![CDATA[<raw> & ]]]]><![CDATA[>]]></string></value>", .string("<raw> & ]]>")),
            ("<value><string>a<!-- no - end -->b<?pi x?>c</string></value>", .string("abc")),
            ("<value><string>1\r\n2\r3</string></value>", .string("1\n2\n3")),
            ("<value><double>-1.5e3</double></value>", .double(-1500)),
            ("<value><base64>aGVs\nbG8=</base64></value>", .base64(Array("hello".utf8))),
            ("<value><dateTime.iso8601>20260304T05:06:07</dateTime.iso8601></value>", .dateTime("20260304T05:06:07")),
            ("<value><array><data/></array></value>", .array([])),
            (
                "<value><array><data><value><int>1</int></value> <value>b</value></data></array></value>",
                .array([.int(1), .string("b")])
            ),
            ("<value><struct></struct></value>", .structure([])),
            (
                "<value><struct><member><name>methodName</name><value>x.y</value></member></struct></value>",
                .structure([.init("methodName", .string("x.y"))])
            ),
            ("<value a='>' b=\"/>\" ><int>3</int></value >", .int(3)),
        ])
    func valueIsUnderstood(_ xml: String, _ expected: XMLRPCValue) throws {
        #expect(try Self.decode(Self.call(xml)).parameters == [expected])
    }

    @Test(
        "A call may lack its parameters, its declaration and may have a byte order mark.",
        arguments: [
            "<methodCall><methodName>supervisor.getState</methodName></methodCall>",
            "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><methodCall><methodName> supervisor.getState"
                + "\n</methodName>"
                + "<params/></methodCall>\n",
            "<?xml version='1.0'?>\n<!-- hello -->\n<methodCall>\n<methodName>supervisor.getState</methodName>\n"
                + "<params>\n"
                + "</params>\n</methodCall>\n",
        ])
    func callWithoutParameters(_ xml: String) throws {
        #expect(try Self.decode(xml) == XMLRPCCall(method: "supervisor.getState"))
    }

    @Test("Latin-1 is translated; other encodings are refused by name.")
    func encodings() throws {
        var latin = Array("<?xml version='1.0' encoding='ISO-8859-1'?>\(Self.callBody("<value>".appending("é")))".utf8)
        latin.replace([0xC3, 0xA9], with: [0xE9])
        #expect(try XMLRPCCall(decoding: latin).parameters == [.string("é")])
        #expect(throws: XMLRPCError(.encoding("KOI8-R"), at: 0)) {
            try Self.decode("<?xml version='1.0' encoding='koi8-r'?>" + Self.callBody("<value>x"))
        }
        #expect(throws: XMLRPCError(.encoding("UTF-16"), at: 0)) { try XMLRPCCall(decoding: [0xFE, 0xFF, 0, 0x3C]) }
    }

    private static func callBody(_ open: String) -> String {
        "<methodCall><methodName>m</methodName><params><param>\(open)</value></param></params></methodCall>"
    }

    @Test(
        "What is not a call is refused and says why.",
        arguments: [
            ("", "not well-formed at byte 0: the document ends too early"),
            ("hello", "not well-formed at byte 5: text outside the document"),
            ("<methodCall>", "not well-formed at byte 12: the document ends too early"),
            ("<methodCall></methodCall>", "unexpected </methodCall> at byte 25"),
            ("<methodCall><methodName> </methodName></methodCall>", "not a valid <methodName> at byte 38"),
            ("<methodResponse/>", "unexpected <methodResponse> at byte 17"),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><methodCall/>", "document type declaration at byte 0 is not accepted"),
            (
                "<methodCall><methodName>m</methodName></methodCall><x/>",
                "not well-formed at byte 51: a second document"
            ),
            ("<methodCall></params>", "not well-formed at byte 20: </params> without its start"),
        ])
    func notACall(_ xml: String, _ description: String) {
        #expect { try Self.decode(xml) } throws: { ($0 as? XMLRPCError)?.description == description }
    }

    @Test(
        "What is not a value is refused.",
        arguments: [
            ("<value><nil/></value>", XMLRPCError.Problem.nilValue),
            ("<value><int>x</int></value>", .badValue(type: "int")),
            ("<value><int>99999999999999999999</int></value>", .badValue(type: "int")),
            ("<value><boolean>2</boolean></value>", .badValue(type: "boolean")),
            ("<value><double>nan</double></value>", .badValue(type: "double")),
            ("<value><base64>a</base64></value>", .badValue(type: "base64")),
            ("<value>x<int>1</int></value>", .unexpected("<int>")),
            ("<value><int>1</int>x</value>", .unexpected("text")),
            ("<value><float>1</float></value>", .unexpected("<float>")),
            ("<value>&nbsp;</value>", .malformed("unknown entity")),
            ("<value>&#0;</value>", .malformed("unknown entity")),
            ("<value>&#xD800;</value>", .malformed("unknown entity")),
            ("<value>&#+65;</value>", .malformed("unknown entity")),
            ("<value>a & b</value>", .malformed("& without an entity")),
            ("<value>\u{1B}[0m</value>", .malformed("control character 27")),
        ])
    func notAValue(_ xml: String, _ problem: XMLRPCError.Problem) {
        #expect { try Self.decode(Self.call(xml)) } throws: { ($0 as? XMLRPCError)?.problem == problem }
    }

    @Test("A body, a text, nesting and the number of values each have their limit.")
    func limits() {
        let limits = XMLRPCLimits(bodyBytes: 100_000, depth: 4, valueCount: 10, stringBytes: 100)
        func problem(_ text: String) -> XMLRPCError.Problem? {
            do {
                _ = try XMLRPCCall(decoding: Array(text.utf8), limits: limits)
                return nil
            } catch { return error.problem }
        }
        func nested(_ depth: Int) -> String {
            Self.call(
                String(repeating: "<value><array><data>", count: depth) + "<value>x</value>"
                    + String(repeating: "</data></array></value>", count: depth))
        }
        func listed(_ count: Int) -> String {
            Self.call("<value><array><data>" + String(repeating: "<value/>", count: count) + "</data></array></value>")
        }
        #expect(problem(nested(3)) == nil)
        #expect(problem(nested(4)) == .tooDeep(limit: 4))
        #expect(problem(nested(2000)) == .tooDeep(limit: 4))
        #expect(problem(listed(9)) == nil)
        #expect(problem(listed(10)) == .tooManyValues(limit: 10))
        #expect(problem(Self.call("<value>\(String(repeating: "x", count: 100))</value>")) == nil)
        #expect(
            problem(Self.call("<value>\(String(repeating: "x", count: 101))</value>")) == .stringTooLong(limit: 100))
        #expect(
            problem(Self.call("<value>\(String(repeating: "&#65;", count: 101))</value>"))
                == .stringTooLong(limit: 100))
        #expect(
            problem(Self.call("<value>\(String(repeating: "<![CDATA[xxxxx]]>", count: 21))</value>"))
                == .stringTooLong(limit: 100))
        #expect(problem(String(repeating: " ", count: 100_001)) == .bodyTooLong(limit: 100_000))
    }

    @Test("Elements that are no values cannot nest without end either.")
    func elementDepth() {
        let xml = String(repeating: "<a>", count: 100_000)
        #expect { try Self.decode(xml) } throws: {
            ($0 as? XMLRPCError)?.problem == .unexpected("<a>")
        }
    }

    @Test("A response is written byte for byte as supervisord 4.3.0 writes it.")
    func responseBytes() {
        let value = XMLRPCValue.array([
            .structure([
                .init("a", .int(1)), .init("b", .bool(true)), .init("c", .string("x<&>")),
                .init("d", .array([.double(1.5), .string("é")])),
            ])
        ])
        #expect(
            String(decoding: XMLRPCResponse.success(value).encoded(), as: UTF8.self) == """
                <?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n<value><struct>\n\
                <member>\n<name>a</name>\n<value><int>1</int></value>\n</member>\n<member>\n<name>b</name>\n\
                <value><boolean>1</boolean></value>\n</member>\n<member>\n<name>c</name>\n\
                <value><string>x&lt;&amp;&gt;</string></value>\n</member>\n<member>\n<name>d</name>\n\
                <value><array><data>\n<value><double>1.5</double></value>\n<value><string>é</string></value>\n\
                </data></array></value>\n</member>\n</struct></value>\n</data></array></value>\n</param>\n</params>\n\
                </methodResponse>\n
                """)
        #expect(
            String(decoding: XMLRPCResponse.fault(XMLRPCFault(.badName, "x")).encoded(), as: UTF8.self) == """
                <?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n\
                <value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
                <value><string>BAD_NAME: x</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n
                """)
    }

    @Test("A call is written as xmlrpc.client writes it.")
    func callBytes() {
        let call = XMLRPCCall(method: "supervisor.startProcess", parameters: [.string("a"), .bool(true), .int(-5)])
        #expect(
            String(decoding: call.encoded(), as: UTF8.self) == """
                <?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n<params>\n\
                <param>\n\
                <value><string>a</string></value>\n</param>\n<param>\n<value><boolean>1</boolean></value>\n</param>\n\
                <param>\n<value><int>-5</int></value>\n</param>\n</params>\n</methodCall>\n
                """)
    }

    @Test("Whatever a log contains, its text reaches the client: what XML cannot carry is dropped or replaced.")
    func lossyText() throws {
        let log: [UInt8] = [0x00, 0x1B, 0x5B, 0x31, 0x6D, 0xFF, 0xC3, 0x0A, 0xEF, 0xBF, 0xBF, 0x09, 0x7F, 0xF0, 0x9F]
        let body = XMLRPCResponse.success(.lossyText(log)).encoded()
        #expect(try XMLRPCResponse(decoding: body) == .success(.string("[1m\u{FFFD}\u{FFFD}\n\t\u{7F}\u{FFFD}")))
    }

    @Test(
        "Numbers that do not fit 32 bits are capped.",
        arguments: [
            (Int64.max, Int64(Int32.max)), (Int64.min, Int64(Int32.min)), (4_000_000_000, Int64(Int32.max)), (7, 7),
        ] as [(Int64, Int64)])
    func integersAreCapped(_ number: Int64, _ expected: Int64) throws {
        #expect(
            try XMLRPCResponse(decoding: XMLRPCResponse.success(.int(number)).encoded()) == .success(.int(expected)))
    }

    @Test("A client takes the control characters that supervisord copies from logs.")
    func lenientResponse() throws {
        let body =
            "<methodResponse><params><param><value><string>\u{1B}[1m\u{0}</string></value></param></params>"
            + "</methodResponse>"
        #expect(try XMLRPCResponse(decoding: Array(body.utf8)) == .success(.string("\u{1B}[1m\u{0}")))
    }

    @Test(
        "Faults have supervisord's numbers and words.",
        arguments: [
            (Refusal.badName("x"), 10, "BAD_NAME: x"), (.alreadyStarted("x"), 60, "ALREADY_STARTED: x"),
            (.notRunning("x"), 70, "NOT_RUNNING: x"), (.noFile("/x"), 20, "NO_FILE: /x"),
            (.notExecutable("/x"), 21, "NOT_EXECUTABLE: /x"), (.spawnError("x"), 50, "SPAWN_ERROR: x"),
            (.abnormalTermination("x"), 40, "ABNORMAL_TERMINATION: x"), (.failed("why"), 30, "FAILED: why"),
            (.badSignal("XX"), 11, "BAD_SIGNAL: XX"), (.alreadyAdded("x"), 90, "ALREADY_ADDED: x"),
            (.stillRunning("x"), 91, "STILL_RUNNING: x"), (.cannotReread("t"), 92, "CANT_REREAD: t"),
            (.shuttingDown, 6, "SHUTDOWN_STATE"), (.badName(""), 10, "BAD_NAME: "),
            (.overloaded, 30, "FAILED: too many requests wait, try again later"),
        ])
    func faults(_ refusal: Refusal, _ code: Int, _ text: String) {
        #expect(XMLRPCFault(refusal) == XMLRPCFault(code: code, string: text))
    }

    @Test("An entry of a group's answer has supervisord's four members.")
    func statusEntry() {
        let name = SlotName(group: "g", process: "p")
        #expect(
            SlotOutcome(name: name, refusal: nil).xmlRPC
                == .structure([
                    .init("name", .string("p")), .init("group", .string("g")), .init("status", .int(80)),
                    .init("description", .string("OK")),
                ]))
        #expect(
            SlotOutcome(name: name, refusal: .notRunning("g:p")).xmlRPC
                == .structure([
                    .init("name", .string("p")), .init("group", .string("g")), .init("status", .int(70)),
                    .init("description", .string("NOT_RUNNING: g:p")),
                ]))
    }
}

extension String {
    fileprivate func appending(_ text: String) -> String { self + text }
}
