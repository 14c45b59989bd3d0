import ArgumentParser
import Glibc
import WardenConfig
import WardenCore
import WardenOutbound
import WardenWire

/// The words behind `replay`.
struct ReplayArguments: ParsableArguments {
    @Argument(help: "A worker, as status lists it.")
    var name: String

    @Option(name: .long, help: "The configuration that is tried; the daemon's if not told.")
    var config: String?

    @Option(name: .long, help: "KEY=VALUE of its health that is tried; may be given several times.")
    var set: [String] = []

    @Option(name: .long, help: "Only the last so long: 6h, 2d.")
    var since: String?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    /// The time in seconds; `nil` without one.
    var sinceSeconds: Double? { since.flatMap(PauseArguments.seconds) }

    func validate() throws {
        if since != nil, !(sinceSeconds.map { $0 > 0 && $0 <= 366 * 86_400 } ?? false) {
            throw ValidationError("--since takes a time such as 6h or 2d")
        }
    }

    /// A value may hold spaces, as in `error_burst=3 in 60s`: what follows it up to the next option belongs to it, once
    /// the name has been said.
    static func joined(_ words: [String]) -> [String] {
        var result: [String] = []
        var (isNamed, isOpen) = (false, false)
        var takesValue = false
        for word in words {
            if isOpen, isNamed, !word.hasPrefix("--"), let last = result.popLast() {
                result.append("\(last) \(word)")
                continue
            }
            isOpen = false
            if takesValue {
                takesValue = false
                isOpen = result.last == "--set"
            } else if word.hasPrefix("--") {
                takesValue = ["--set", "--since", "--config"].contains(word)
                isOpen = word.hasPrefix("--set=")
            } else {
                isNamed = true
            }
            result.append(word)
        }
        return result
    }
}

/// What was recorded of a worker, encoded: days of it are some megabytes, and many times that when they are read.
struct WorkerRecords {
    /// A block as the server sent it.
    fileprivate struct Block {
        var bytes: [UInt8]
        /// Its number and when it was written, for people.
        var name: String
    }

    fileprivate var blocks: [Block] = []

    var blockCount: Int { blocks.count }
    var byteCount: Int { blocks.reduce(0) { $0 + $1.bytes.count } }
}

extension CommandRunner {
    /// `replay NAME`.
    mutating func replay(_ words: [String]) async throws(ServerFailure) {
        guard let arguments = arguments(ReplayArguments.self, ReplayArguments.joined(words), of: .replay) else {
            return
        }
        let source = programs(arguments.config)
        let asked = Namespec(arguments.name)
        let slot = SlotName(group: asked.group, process: asked.process ?? asked.group)
        guard let found = source.program(slot) else {
            return refuse(arguments.name, source.failure ?? "\(source.path ?? "") has no such program")
        }
        let program: ProgramSpec
        do {
            program = try source.trying(arguments.set, on: found)
        } catch {
            return refuse(arguments.name, error.text)
        }
        guard try await isServerUp() else { return }
        guard let records = try await records(of: arguments.name, since: arguments.sinceSeconds) else { return }
        guard records.blockCount > 0 else {
            return refuse(
                arguments.name, "nothing was recorded of it; see record_samples and history in [warden]")
        }
        let document = ReplayDocument(
            of: slot.qualified, records, as: program, configuration: source.path ?? "?", settings: arguments.set)
        if arguments.json || wantsJSON { return say(document.json.text) }
        for line in document.lines { say(line) }
    }

    /// Everything that was recorded of a worker, page by page; `nil` when the server refused, which is said.
    mutating func records(
        of name: String, since seconds: Double?, isQuiet: Bool = false
    ) async throws(ServerFailure) -> WorkerRecords? {
        var records = WorkerRecords()
        let path = "/api/v1/workers/\(name.percentEncoded(keeping: ""))/samples"
        let since = seconds.map { "&since=\(max(0, Int64(time(nil)) - Int64($0)))" } ?? ""
        var after: Int64 = 0
        for _ in 0..<CtlLimits.recordPages {
            let answer = try await server.get("\(path)?after=\(after)\(since)")
            // A daemon of an earlier version knows nothing of them.
            if isQuiet, answer.status != 200 { return records }
            guard let page = try read(answer, of: name) else { return nil }
            for block in page["blocks"]?.array ?? [] { records.add(block) }
            guard let next = page["next"]?.integer, next > after else { break }
            after = next
        }
        return records
    }

    private mutating func refuse(_ name: String, _ text: String) {
        say("\(name): ERROR (\(text))")
        exitCode = ExitCode.failure
    }
}

extension WorkerRecords {
    fileprivate mutating func add(_ json: JSONValue) {
        let number = json["sequence"]?.integer.map { String($0) } ?? "?"
        let name = "block \(number), written from \(HealthText.time(json["from"]?.string))"
        // What is no base64 is no block either, and is skipped as such.
        blocks.append(Block(bytes: json["data"]?.string.flatMap(Base64.decode) ?? [], name: name))
    }

    /// A replay of all that can be read, and how many blocks cannot.
    func replayed(as program: ProgramSpec) -> (replay: Replay, skippedCount: Int) {
        var replay = Replay(program)
        var skippedCount = 0
        for block in blocks {
            do throws(RecordError) {
                replay.add(try RecordContents(decoding: block.bytes))
            } catch {
                skippedCount += 1
                replay.skip("\(block.name), is skipped: \(error)")
            }
        }
        replay.finish()
        return (replay, skippedCount)
    }
}
