package import WardenOutbound
package import WardenWire

/// Why the server did not do what it was asked.
package enum ServerFailure: Error, Hashable, Sendable {
    /// It refused.
    case fault(XMLRPCFault)
    /// It could not be asked.
    case connection(ControlClientError)
    /// It answered with this HTTP status.
    case status(Int)
    /// Its answer makes no sense.
    case malformed(String)
}

/// What the commands need of a server.
///
/// Tests answer in its place.
package protocol ControlServer {
    /// The address for messages, as it was configured.
    var address: String { get }
    /// From now on asks as this user.
    mutating func authenticate(_ credentials: ControlCredentials)
    /// Calls a method of XML-RPC.
    func call(_ method: String, _ parameters: [XMLRPCValue]) async throws(ServerFailure) -> XMLRPCValue
    /// Gets a document of the JSON interface; the path is percent-encoded.
    func get(_ path: String) async throws(ServerFailure) -> ControlAnswer
    /// Asks for a change through the JSON interface.
    func post(_ path: String, _ body: [UInt8]) async throws(ServerFailure) -> ControlAnswer
    /// From now on asks another server.
    /// - Returns: false when that is no address; everything stays as it was.
    mutating func redirect(to url: String) -> Bool
    /// Reads the growing ends of logs.
    /// - Parameters:
    ///   - paths: percent-encoded.
    ///   - untilEnd: ends when the server has ended all of them.
    ///   - receive: takes what has arrived.
    ///   - goesOn: asked again and again; a no ends it.
    /// - Returns: the HTTP status when the server ended it, else `nil`.
    func follow(
        _ paths: [String], untilEnd: Bool, _ receive: ([UInt8]) -> Void, while goesOn: () async -> Bool
    ) async throws(ServerFailure) -> Int?
}

/// A server that is reached over HTTP.
struct RemoteServer: ControlServer {
    private(set) var address: String
    private(set) var client: ControlClient

    init(address: String, client: ControlClient) {
        self.address = address
        self.client = client
    }

    mutating func authenticate(_ credentials: ControlCredentials) {
        client.credentials = credentials
    }

    /// Without a time limit: starting and stopping last as long as they last, and supervisorctl waits too.
    func call(_ method: String, _ parameters: [XMLRPCValue]) async throws(ServerFailure) -> XMLRPCValue {
        let answer: ControlAnswer
        do {
            answer = try await client.post(
                "/RPC2", contentType: "text/xml",
                body: XMLRPCCall(method: method, parameters: parameters).encoded(), timeout: nil)
        } catch {
            throw .connection(error)
        }
        guard answer.status == 200 else { throw .status(answer.status) }
        do {
            switch try XMLRPCResponse(decoding: answer.body) {
            case .success(let value): return value
            case .fault(let fault): throw ServerFailure.fault(fault)
            }
        } catch let error as ServerFailure {
            throw error
        } catch {
            throw .malformed("the server's answer to \(method) is not XML-RPC: \(error)")
        }
    }

    func get(_ path: String) async throws(ServerFailure) -> ControlAnswer {
        do {
            return try await client.get(path, timeout: .seconds(CtlLimits.documentSeconds))
        } catch {
            throw .connection(error)
        }
    }

    func post(_ path: String, _ body: [UInt8]) async throws(ServerFailure) -> ControlAnswer {
        do {
            return try await client.post(
                path, contentType: "application/json", body: body, timeout: .seconds(CtlLimits.documentSeconds))
        } catch {
            throw .connection(error)
        }
    }

    mutating func redirect(to url: String) -> Bool {
        guard let target = ControlAddress(url: url) else { return false }
        address = url
        client.address = target
        return true
    }
}

/// The limits of wardenctl.
enum CtlLimits {
    /// Seconds until a document of the JSON interface is there.
    static let documentSeconds: Int64 = 30
    /// Bytes of a line that is typed into the shell.
    static let typedBytes = 65536
    /// Lines of the shell's history.
    static let historyLines = 1000
    /// Between two looks at what a followed log has brought.
    static let followPause: Duration = .milliseconds(30)
    /// Bytes of a configuration file.
    static let configurationBytes = 1024 * 1024
    /// Values in a document of the JSON interface: 16,384 workers of some thirty.
    static let documentValues = 1_048_576
    /// How long a binary that has shown that it can take over may take to do it.
    static let upgradePatience: Duration = .seconds(15)
    /// Between two looks at how a drill goes.
    static let drillPause: Duration = .milliseconds(300)
    /// A drill ends when nobody has looked at it for so long.
    static let drillLeaseSeconds = 15.0
    /// Pages of recorded samples that are read: a week of a lively worker is some thirty.
    static let recordPages = 1000
    /// Things that were done then that `replay` lists.
    static let listedDeeds = 40
    /// Incidents that `why` lists.
    static let listedIncidents = 5
    /// Incidents that `incidents` asks for when it is not told.
    static let askedIncidents = 20
    /// Events of the past that `events` asks for.
    static let askedEvents = 50
    /// Bytes of one event.
    static let eventBytes = 1024 * 1024
}
