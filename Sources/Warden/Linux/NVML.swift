internal import Glibc

/// The few calls of NVIDIA's management library that are needed here, by dlopen(3): no header, no link, no need of it.
struct NVML {
    /// A call that did not succeed.
    struct Failure: Error, Hashable {
        /// nvmlReturn_t.
        var code: CInt
        /// In the words of nvmlErrorString.
        var text: String

        /// The device is gone until it is reset, or the host is restarted: NVML_ERROR_GPU_IS_LOST (it has fallen off
        /// the bus) and NVML_ERROR_RESET_REQUIRED.
        var isLoss: Bool { code == 15 || code == 16 }
        /// There is nothing to be asked here: NVML_ERROR_DRIVER_NOT_LOADED, NVML_ERROR_LIBRARY_NOT_FOUND.
        var isAbsence: Bool { code == 9 || code == 12 }
    }

    private typealias Call = @convention(c) () -> CInt
    private typealias Count = @convention(c) (UnsafeMutablePointer<CUnsignedInt>) -> CInt
    private typealias Handle = @convention(c) (CUnsignedInt, UnsafeMutablePointer<OpaquePointer?>) -> CInt
    private typealias Processes =
        @convention(c) (
            OpaquePointer, UnsafeMutablePointer<CUnsignedInt>, UnsafeMutableRawPointer?
        ) -> CInt
    private typealias ErrorText = @convention(c) (CInt) -> UnsafePointer<CChar>?

    private static let insufficientSize: CInt = 7

    private let initialise: Call
    private let shutDown: Call
    private let count: Count
    private let handle: Handle
    private let processes: Processes
    /// Bytes of one entry: `_v2` and `_v3` add the two instance numbers of MIG.
    private let entryBytes: Int
    private let errorText: ErrorText?

    /// Loads the library, for ever: unloading a driver's library is asking for trouble.
    ///
    /// - Parameter path: its name, or where it is.
    /// - Returns: `nil` when there is none, or it has not got what is needed.
    init?(_ path: String) {
        guard let library = dlopen(path, RTLD_LAZY | RTLD_LOCAL) else { return nil }
        func symbol<Function>(_ name: String, as: Function.Type) -> Function? {
            dlsym(library, name).map { unsafeBitCast($0, to: Function.self) }
        }
        let stem = "nvmlDeviceGetComputeRunningProcesses"
        let modern =
            symbol(stem + "_v3", as: Processes.self) ?? symbol(stem + "_v2", as: Processes.self)
        guard let initialise = symbol("nvmlInit_v2", as: Call.self),
            let shutDown = symbol("nvmlShutdown", as: Call.self),
            let count = symbol("nvmlDeviceGetCount_v2", as: Count.self),
            let handle = symbol("nvmlDeviceGetHandleByIndex_v2", as: Handle.self),
            let processes = modern ?? symbol(stem, as: Processes.self)
        else { return nil }
        self.initialise = initialise
        self.shutDown = shutDown
        self.count = count
        self.handle = handle
        self.processes = processes
        entryBytes = modern == nil ? 16 : 24
        errorText = symbol("nvmlErrorString", as: ErrorText.self)
    }

    /// Begins a session; ended by `end`, so that no device stays open for us: an open one cannot be reset.
    func begin() throws(Failure) { try check(initialise()) }

    /// Ends a session.
    func end() { _ = shutDown() }

    /// How many devices there are.
    func deviceCount() throws(Failure) -> Int {
        var number: CUnsignedInt = 0
        try check(count(&number))
        return min(Int(number), EdgeLimits.devices)
    }

    /// The processes that hold memory of a device for computing.
    ///
    /// - Parameter index: of the device, from 0.
    func computeProcesses(ofDevice index: Int) throws(Failure) -> [Int32] {
        var device: OpaquePointer?
        try check(handle(CUnsignedInt(index), &device))
        guard let device else { throw Failure(code: 999, text: "no device \(index)") }
        var room = 256
        while true {
            var found = CUnsignedInt(room)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room * entryBytes, alignment: 8)
            defer { buffer.deallocate() }
            let code = processes(device, &found, buffer.baseAddress)
            if code == Self.insufficientSize, room < EdgeLimits.deviceProcesses {
                room = EdgeLimits.deviceProcesses
                continue
            }
            try check(code)
            return (0..<min(Int(found), room)).map { entry in
                Int32(bitPattern: buffer.load(fromByteOffset: entry * entryBytes, as: UInt32.self))
            }
        }
    }

    private func check(_ code: CInt) throws(Failure) {
        if code == 0 { return }
        let text = errorText?(code).map { String(cString: $0) }
        throw Failure(code: code, text: "\(text ?? "unknown error") (NVML error \(code))")
    }
}
