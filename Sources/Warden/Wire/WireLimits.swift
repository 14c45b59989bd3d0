/// The limits of what is read from and written to the wire.
package enum WireLimits {
    /// Bytes of a request's body, XML-RPC or JSON.
    package static let requestBytes = 4 * 1024 * 1024
    /// Bytes of an answer's body, as a client takes it: `tail` may fetch a whole log.
    package static let answerBytes = 64 * 1024 * 1024
    /// Values inside values, XML-RPC and JSON.
    package static let valueDepth = 32
    /// XML elements inside elements: an array of structs costs six for each value.
    package static let elementDepth = 8 * valueDepth
    /// Values in one request.
    package static let requestValues = 65536
    /// Values in one answer: 16,384 slots with the 29 fields of getAllConfigInfo.
    package static let answerValues = 1_048_576
    /// Bytes of one string of a request.
    package static let requestStringBytes = 1024 * 1024
    /// Bytes of an element's or an entity's name.
    package static let nameBytes = 256
    /// Members of one JSON object that is read.
    package static let objectMembers = 4096
    /// Bytes of a webhook's text line: escaped five times as long, it still fits Slack's 3,000 characters.
    package static let alertTextBytes = 512
    /// How long an alert stays open at a receiver that is not told of its end.
    package static let openAlertFor: Duration = .seconds(7 * 86400)
    /// Characters of the key by which PagerDuty tells alerts apart.
    package static let dedupKeyCharacters = 255
    /// Pieces of evidence that a webhook's text mentions.
    package static let alertEvidence = 4
    /// Incidents that /metrics remembers as counted.
    package static let countedIncidents = 4096
    /// Bytes of a line of an event listener.
    package static let listenerLineBytes = 4096
    /// Bytes of one result of an event listener.
    package static let listenerResultBytes = 16 * 1024 * 1024
}
