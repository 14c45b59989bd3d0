import Synchronization
import WardenOutbound

/// What arrives of the logs that are followed, on its way from their tasks to the terminal.
final class FollowedStreams: Sendable {
    private struct State {
        var chunks: [[UInt8]] = []
        var openCount: Int
        var status: Int?
        var failure: ControlClientError?
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(openCount: count))
    }

    /// All have ended.
    var isOver: Bool { state.withLock { $0.openCount == 0 } }

    func arrived(_ bytes: [UInt8]) {
        state.withLock { $0.chunks.append(bytes) }
    }

    func ended(_ status: Int) {
        state.withLock { state in
            state.openCount -= 1
            state.status = state.status ?? status
        }
    }

    func failed(_ error: ControlClientError) {
        state.withLock { state in
            state.openCount -= 1
            state.failure = state.failure ?? error
        }
    }

    /// What has arrived since the last time.
    func drain() -> [[UInt8]] {
        state.withLock { state in
            defer { state.chunks = [] }
            return state.chunks
        }
    }

    /// The HTTP status of the first that ended; `nil` when none has.
    func outcome() throws(ServerFailure) -> Int? {
        let (status, failure) = state.withLock { ($0.status, $0.failure) }
        if let failure { throw .connection(failure) }
        return status
    }
}

extension RemoteServer {
    func follow(
        _ paths: [String], untilEnd: Bool, _ receive: ([UInt8]) -> Void, while goesOn: () async -> Bool
    ) async throws(ServerFailure) -> Int? {
        let streams = FollowedStreams(count: paths.count)
        let client = client
        let isOver = await withTaskGroup(of: Void.self) { group in
            for path in paths {
                group.addTask {
                    do throws(ControlClientError) {
                        streams.ended(try await client.stream(path) { streams.arrived($0) })
                    } catch {
                        streams.failed(error)
                    }
                }
            }
            while await goesOn(), !(untilEnd && streams.isOver) {
                for chunk in streams.drain() { receive(chunk) }
                // Cancelled: the next turn of the loop says so.
                try? await Task.sleep(for: CtlLimits.followPause)
            }
            for chunk in streams.drain() { receive(chunk) }
            let isOver = streams.isOver
            if !isOver { group.cancelAll() }
            return isOver
        }
        // What a cancelled one says of itself is no failure.
        return untilEnd && isOver ? try streams.outcome() : nil
    }
}
