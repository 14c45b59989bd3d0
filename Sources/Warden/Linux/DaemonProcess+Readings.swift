internal import Glibc
package import WardenWire

extension DaemonProcess {
    /// What this process uses. Its own files in /proc wait for nobody.
    package static var readings: ProcessReadings {
        var readings = ProcessReadings(cpuTime: cpuTime)
        if case .success(let text) = HostFiles.read("/proc/self/statm") {
            // Pages: the address space, then what is resident.
            let pages = text.split(separator: UInt8(ascii: " ")).prefix(2).map {
                Int64(String(decoding: $0, as: UTF8.self))
            }
            let pageBytes = Int64(sysconf(CInt(_SC_PAGESIZE)))
            readings.virtualBytes = pages.first?.map { $0 * pageBytes }
            readings.residentBytes = pages.dropFirst().first?.map { $0 * pageBytes }
        }
        let headroom = DescriptorHeadroom.read()
        if headroom.limit > 0 {
            readings.openDescriptors = headroom.limit - headroom.free
            readings.descriptorLimit = headroom.limit == .max ? nil : headroom.limit
        }
        return readings
    }

    private static var cpuTime: Duration {
        var time = timespec()
        // Cannot fail: every Linux has the clock.
        _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
