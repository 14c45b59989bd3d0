import HTTPTypes
import Hummingbird
import NIOHTTP1
import WardenWire

/// Turns what routes throw into answers: problems for programs where the JSON interface is, pages for people elsewhere.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = ControlContext

    let methods: APIMethods

    func handle(
        _ request: Request, context: ControlContext,
        next: @concurrent (Request, ControlContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let problem as Problem {
            return answer(problem, to: request)
        } catch let error as any HTTPResponseError {
            if error.status == .notFound, let allowed = methods.allowed(at: request.uri.path) {
                return otherMethod(request, allowed)
            }
            let detail = (error as? HTTPError)?.body ?? error.status.reasonPhrase
            let problem = Problem(status: error.status.code, title: error.status.reasonPhrase, detail: detail)
            return answer(problem, to: request)
        } catch {
            // Nobody is there any more, or the daemon stops: the connection ends with the error.
            guard context.channel.isActive else { throw error }
            if error is HTTPParserError {
                let problem = Problem(status: 400, title: "Bad Request", detail: "the body is not what its head says")
                return answer(problem, to: request)
            }
            context.complaints.note(.failed, from: "\(context.peer.name): \(error)")
            let problem = Problem(
                status: 500, title: "Internal Server Error", detail: "the request failed, see the log")
            return answer(problem, to: request)
        }
    }

    /// The path is one of the JSON interface, but has no such method.
    private func otherMethod(_ request: Request, _ allowed: String) -> Response {
        if request.method == .options { return Response(status: .noContent, headers: [.allow: allowed]) }
        var response = answer(
            Problem(status: 405, title: "Method Not Allowed", detail: "only \(allowed) can be done here"), to: request)
        response.headers[.allow] = allowed
        return response
    }

    private func answer(_ problem: Problem, to request: Request) -> Response {
        let isForPrograms = request.uri.path.hasPrefix("/api/") || methods.allowed(at: request.uri.path) != nil
        var problem = problem
        if problem.status == 404, !isForPrograms, request.method != .get, request.method != .head {
            // supervisord's answer to whatever cannot be done to a page, be there one or not.
            problem = Problem(status: 400, title: "Bad Request", detail: "\(request.method) cannot be done here")
        }
        var response =
            isForPrograms
            ? Response(problem.json, status: problem.status, mediaType: Problem.mediaType)
            : Response(text: ErrorMiddleware.page(problem), status: problem.status, mediaType: "text/html")
        switch problem.status {
        case 401:
            response.headers[.wwwAuthenticate] = "Basic realm=\"default\""
            response.headers[.connection] = "close"
        case 429:
            response.headers[.retryAfter] = "60"
            response.headers[.connection] = "close"
        case 503: response.headers[.retryAfter] = "1"
        default: break
        }
        if request.method == .head { return response.createHeadResponse() }
        return response
    }

    private static func page(_ problem: Problem) -> String {
        let heading = "\(problem.status) \(problem.title.escapedForHTML)"
        return """
            <!DOCTYPE html>
            <html><head><title>\(heading)</title></head>
            <body><h1>\(heading)</h1><p>\(problem.detail.escapedForHTML)</p></body></html>

            """
    }
}

extension Response {
    /// An answer of plain text or a page.
    init(text: String, status: Int = 200, mediaType: String = "text/plain; charset=utf-8") {
        self.init(bytes: Array(text.utf8), status: status, mediaType: mediaType)
    }

    /// An answer of JSON.
    init(_ json: JSONValue, status: Int = 200, mediaType: String = "application/json") {
        self.init(bytes: json.encoded(), status: status, mediaType: mediaType)
    }

    /// An answer whose whole body is known.
    init(bytes: [UInt8], status: Int = 200, mediaType: String) {
        self.init(
            status: HTTPResponse.Status(code: status), headers: [.contentType: mediaType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
