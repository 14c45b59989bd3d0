import HTTPTypes
import Hummingbird
import WardenWire

/// Whether a request that changes something comes from a page of ours, or from no page at all.
///
/// A browser sends passwords along with the requests that pages of other sites make, so they alone prove nothing. It
/// holds for Unix sockets, too: a proxy may stand in front of one.
enum PageOrigin {
    static let refusal = Problem(
        status: 403, title: "Forbidden",
        detail: "requests from pages of other sites are refused; a proxy has to pass on the Host header")

    static func isOurs(_ request: Request) -> Bool {
        // Browsers say it themselves where the connection can be trusted, and no page can make it up.
        if let site = request.headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        let host = request.head.authority ?? ""
        if let origin = request.headers[.origin] { return AccessMiddleware.isSame(origin: origin, host: host) }
        // Old browsers left out Origin, but not Referer. Scripts leave out both.
        guard let referer = request.headers[.referer] else { return true }
        guard let scheme = referer.firstRange(of: "://") else { return false }
        let origin = referer[..<scheme.upperBound] + referer[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        return AccessMiddleware.isSame(origin: String(origin), host: host)
    }
}

extension HTTPField.Name {
    fileprivate static let secFetchSite: HTTPField.Name = HTTPField.Name("Sec-Fetch-Site") ?? .origin
}
