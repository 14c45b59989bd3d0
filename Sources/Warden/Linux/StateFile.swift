internal import CWardenLinux
internal import Glibc

/// The file of the state, mapped.
internal struct StateFile: ~Copyable, Sendable {
    internal let file: Descriptor
    // A number and not a pointer, so that this may move between threads with its owner.
    private let address: UInt
    /// Bytes of each half.
    internal let halfBytes: Int

    /// A new one, of which only the board and the heads are reserved.
    internal static func make(halfBytes: Int) throws(StateMemoryFailure) -> StateFile {
        let size = StateLayout.size(halfBytes: halfBytes)
        let number = try Self.check("make memory", warden_memory_create("warden-state", Int64(size)))
        return try StateFile(Descriptor(owning: number), halfBytes: halfBytes)
    }

    internal init(_ file: consuming Descriptor, halfBytes: Int) throws(StateMemoryFailure) {
        try Self.check("reserve memory", warden_memory_reserve(file.rawValue, 0, Int64(StateLayout.headBytes)))
        guard let address = warden_memory_map(file.rawValue, 0, StateLayout.size(halfBytes: halfBytes)) else {
            throw .kernel(KernelFailure("map", "state", errno))
        }
        self.file = file
        self.address = UInt(bitPattern: address)
        self.halfBytes = halfBytes
    }

    deinit {
        warden_memory_unmap(warden_place(address), StateLayout.size(halfBytes: halfBytes))
    }

    /// Where the file begins.
    internal var base: UnsafeMutableRawPointer { warden_place(address) }

    /// Where a half begins.
    internal func start(of half: Int) -> UnsafeMutableRawPointer { base + StateLayout.offset(ofHalf: half, halfBytes) }

    internal func head(of half: Int) -> UnsafeMutableRawPointer { base + StateLayout.headOffset(ofHalf: half) }

    /// Makes sure that no store into the first bytes of a half can end in SIGBUS.
    internal func reserve(_ half: Int, _ bytes: Int) throws(StateMemoryFailure) {
        let offset = Int64(StateLayout.offset(ofHalf: half, halfBytes))
        try Self.check("reserve memory", warden_memory_reserve(file.rawValue, offset, Int64(bytes)))
    }

    /// Gives the pages from an offset of a half on back.
    internal func discard(_ half: Int, from offset: Int, count: Int) -> Bool {
        if count <= 0 { return true }
        let start = Int64(StateLayout.offset(ofHalf: half, halfBytes) + offset)
        return warden_memory_discard(file.rawValue, start, Int64(count)) == 0
    }

    /// Makes a half void: it is about to be written anew.
    internal func void(_ half: Int) {
        warden_store_last(head(of: half) + StateHalfHead.sequenceOffset, 0)
        warden_store_barrier()
    }

    /// Makes a half valid.
    internal func validate(_ half: Int, _ head: StateHalfHead) {
        let place = self.head(of: half)
        head.store(to: place)
        warden_store_barrier()
        warden_store_last(place + StateHalfHead.sequenceOffset, head.sequence)
    }

    @discardableResult
    private static func check(_ operation: String, _ answer: CInt) throws(StateMemoryFailure) -> CInt {
        if answer < 0 { throw .kernel(KernelFailure(operation, "state", -answer)) }
        return answer
    }
}
