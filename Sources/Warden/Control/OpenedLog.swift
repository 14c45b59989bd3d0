package import WardenCore

/// A log that another room has opened for reading.
package struct OpenedLog: Sendable {
    /// The descriptor, which belongs to this room from now on.
    package var descriptor: Int32
    /// Its inode: another one means that the log was rotated.
    package var inode: UInt64
    /// Its length.
    package var sizeBytes: Int64
    /// When it was last written to.
    package var modifiedAt: WallTime
    /// Whether it is a file, and no fifo or device.
    package var isRegular: Bool

    /// - Parameters: as the properties of the same names.
    package init(descriptor: Int32, inode: UInt64, sizeBytes: Int64, modifiedAt: WallTime, isRegular: Bool) {
        self.descriptor = descriptor
        self.inode = inode
        self.sizeBytes = sizeBytes
        self.modifiedAt = modifiedAt
        self.isRegular = isRegular
    }
}
