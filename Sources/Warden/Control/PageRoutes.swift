import HTTPTypes
import Hummingbird
import WardenCore
import WardenWire

/// The page for people: `/`, `/index.html`, `/tail.html` and what they need.
struct PageRoutes {
    let endpoint: RPCEndpoint

    func add(to router: Router<ControlContext>) {
        let paths: [RouterPath] = ["/", "index.html"]
        for path in paths {
            router.get(path) { try await look(FormFields(query: $0.uri.query ?? ""), $1) }
            router.post(path) { try await act($0, $1) }
        }
        router.get("tail.html") { try await tail(FormFields(query: $0.uri.query ?? ""), $1) }
        router.post("tail.html") { try await tail(fields($0, $1), $1) }
        router.get("stylesheets/supervisor.css") { _, _ in
            Response(text: PageStyle.sheet, mediaType: "text/css")
        }
    }

    // MARK: The table

    /// A GET changes nothing, whatever it asks for: an image on a page of another site is a GET, too.
    private func look(_ form: FormFields, _ context: ControlContext) async throws -> Response {
        guard let word = form["action"] else { return try await table(context, message: form["message"]) }
        let action = try action(word)
        if action == .refresh {
            return try await redirect(PageActions(endpoint: endpoint, scope: scope(context)).perform(action, on: nil))
        }
        var response = try await table(
            context, message: "Nothing was changed: \(word) wants a POST, and this was a GET.", isTrouble: true)
        response.status = .methodNotAllowed
        response.headers[.allow] = "POST"
        return response
    }

    private func act(_ request: Request, _ context: ControlContext) async throws -> Response {
        let form = try await fields(request, context)
        guard let word = form["action"] else { return try await table(context, message: form["message"]) }
        let action = try action(word)
        if action != .refresh {
            try context.requireOperator()
        }
        let actions = PageActions(endpoint: endpoint, scope: scope(context))
        return try await redirect(actions.perform(action, on: form["processname"]))
    }

    private func table(
        _ context: ControlContext, message: String?, isTrouble: Bool = false
    ) async throws -> Response {
        let workers: [WorkerSnapshot]
        switch await endpoint.backend.perform(.snapshot(.all)) {
        case .snapshots(let snapshots): workers = snapshots.sorted { $0.name < $1.name }
        case .refused(let refusal): throw Problem(refusal)
        case .done, .outcomes, .explanations, .differences, .updated, .daemonState, .drill: workers = []
        }
        let page = StatusPage(
            workers: workers, identity: endpoint.backend.daemonIdentity(), mayChange: context.role == .operator,
            message: message, isTrouble: isTrouble || message?.hasPrefix("ERROR") == true,
            localTime: endpoint.settings.localTime)
        return PageRoutes.page(page.html)
    }

    // MARK: The log

    private func tail(_ form: FormFields, _ context: ControlContext) async throws -> Response {
        let name = form["processname"] ?? ""
        // supervisord's least is 1024, too.
        let limit = min(max(Int(form["limit"] ?? "") ?? 0, 1024), ControlLimits.pageLogBytes)
        return PageRoutes.page(TailPage(name: name, limit: limit, log: try await log(name, limit)).html)
    }

    private func log(_ name: String, _ limit: Int) async throws -> String {
        let selection = Selection(namespec: name)
        guard !name.isEmpty, case .slot = selection else { return "No process name found" }
        let worker: WorkerSnapshot
        switch await endpoint.backend.perform(.snapshot(selection)) {
        case .snapshots(let snapshots):
            guard let first = snapshots.first else { return "No such process named \(name)".escapedForHTML }
            worker = first
        case .refused(.badName): return "No such process named \(name)".escapedForHTML
        case .refused(let refusal): throw Problem(refusal)
        case .done, .outcomes, .explanations, .differences, .updated, .daemonState, .drill: return ""
        }
        guard case .file(let path) = await endpoint.backend.logPath(worker.name, .stdout) else {
            return "No file for \(name)".escapedForHTML
        }
        do throws(LogFailure) {
            return try await endpoint.logs.read(path, offset: -Int64(limit), length: 0).logHTML
        } catch {
            switch error {
            case .absent: return "No file for \(name)".escapedForHTML
            case .badArguments: return "ERROR: this part of the log cannot be had"
            case .failed(let reason): return "ERROR: \(reason)".escapedForHTML
            }
        }
    }

    // MARK: Requests and answers

    private func scope(_ context: ControlContext) -> RPCScope { RPCScope(endpoint: endpoint, context) }

    private func action(_ word: String) throws(Problem) -> PageAction {
        if let action = PageAction(rawValue: word) { return action }
        let known = PageAction.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(status: 400, title: "Bad Request", detail: "there is no action \(word), only \(known)")
    }

    private func fields(_ request: Request, _ context: ControlContext) async throws -> FormFields {
        let body = try await request.collectedBody(context)
        guard body.count <= ControlLimits.formBytes else {
            throw Problem(
                status: 413, title: "Content Too Large", detail: "a form has at most \(ControlLimits.formBytes) bytes")
        }
        return FormFields(query: request.uri.query ?? "", body: body)
    }

    /// Back to the table, by a GET: reloading it does nothing a second time.
    ///
    /// supervisord says 301 with the whole address, which browsers remember for good and which is wrong behind a proxy.
    private func redirect(_ message: String) -> Response {
        Response(status: .seeOther, headers: [.location: "./?message=\(message.percentEncoded)", .contentLength: "0"])
    }

    private static func page(_ html: String) -> Response {
        var response = Response(text: html, mediaType: "text/html;charset=utf-8")
        response.headers[.cacheControl] = "no-cache"
        response.headers[.pragma] = "no-cache"
        response.headers[.contentSecurityPolicy] = PageStyle.policy
        response.headers[.xContentTypeOptions] = "nosniff"
        // Not no-referrer: browsers would then send `Origin: null` with our own forms.
        response.headers[.referrerPolicy] = "same-origin"
        return response
    }
}

extension HTTPField.Name {
    fileprivate static let pragma: HTTPField.Name = HTTPField.Name("Pragma") ?? .cacheControl
    fileprivate static let referrerPolicy: HTTPField.Name = HTTPField.Name("Referrer-Policy") ?? .cacheControl
}

/// The end of a worker's log, as HTML.
struct TailPage {
    /// As the request has it; empty when it names none.
    var name: String
    /// Bytes.
    var limit: Int
    /// HTML.
    var log: String

    var html: String {
        let again = "tail.html?processname=\(name.percentEncoded)&amp;limit=\(limit)"
        let refresh = name.isEmpty ? "" : "<a class=\"button\" id=\"refresh\" href=\"\(again)\">Refresh</a>"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Tail of process \(name.escapedForHTML)</title>
            <style>\(PageStyle.sheet)</style>
            </head>
            <body>
            <div id="wrapper">
            <header><h1>\(name.escapedForHTML)</h1><span class="summary">the last \(limit) bytes of its output</span>
            \(refresh) <a class="button" href="index.html">All workers</a></header>
            <div class="card"><pre>\(log)</pre></div>
            </div>
            </body>
            </html>

            """
    }
}
