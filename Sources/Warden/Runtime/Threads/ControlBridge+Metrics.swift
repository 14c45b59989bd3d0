import Synchronization
import WardenControl
import WardenWire

extension ControlBridge {
    func readings() -> DaemonReadings {
        gauges.withLock { $0?.readings } ?? DaemonReadings()
    }
}
