import WardenCore

extension ControlBridge {
    func writeInput(_ worker: SlotName, _ bytes: [UInt8]) async -> Reply {
        await perform(.writeInput(worker, bytes))
    }

    func sendEvent(type: String, data: String) async -> Reply {
        await perform(.tellListeners(type: type, data: data))
    }
}
