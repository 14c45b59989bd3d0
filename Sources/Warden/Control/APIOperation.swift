import HTTPTypes
import WardenWire

/// One operation of the JSON interface: where it is, what it takes and what it answers.
///
/// The router, the reader of bodies and the OpenAPI document are all made from this one value, so they cannot disagree.
struct APIOperation: Sendable {
    var method: HTTPRequest.Method
    /// From the first slash on, with `{name}` for what varies.
    var path: String
    /// Unique; for programs that are generated from the document.
    var id: String
    var summary: String
    var parameters: [APIParameter] = []
    /// `nil` for those that take none.
    var body: APIBody?
    /// The media type of the answer 200.
    var mediaType = "application/json"
    /// The schema of the answer 200.
    var answer: APISchema
    /// What else it may answer, besides the problems that every operation shares.
    var problems: [Int] = []
    /// Whoever can connect may ask.
    var isOpen = false
}

/// What varies in an address.
struct APIParameter: Sendable {
    enum Place: String, Sendable {
        case path, query
    }

    var name: String
    var place: Place
    var about: String
    var schema: APISchema

    /// `group:name`, `name` or `group:*`.
    static let worker = APIParameter(
        name: "name", place: .path, about: "`group:name`, or the bare name when both are equal.",
        schema: .name)

    /// `group:name`, `name` or `group:*`.
    static let workers = APIParameter(
        name: "name", place: .path,
        about: "`group:name`, or the bare name when both are equal; `group:*` for all of a group.", schema: .name)
}
