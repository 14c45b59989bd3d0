internal import Glibc
package import WardenCore

/// Users and groups. Looked up when the configuration is loaded: a lookup may ask a directory server, and take long.
package enum UserDatabase {
    /// Why a user or group was not found.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// There is no user of that name or number.
        case noUser(String)
        /// There is no group of that name or number.
        case noGroup(String)
        /// The database could not be asked.
        case unreadable(KernelFailure)

        /// The cause in words.
        package var description: String {
            switch self {
            case .noUser(let name): "no such user: \(name)"
            case .noGroup(let name): "no such group: \(name)"
            case .unreadable(let failure): failure.description
            }
        }
    }

    /// A user with all groups.
    ///
    /// - Parameter nameOrNumber: a name, or a number that must have an entry, as supervisord's `user`.
    /// - Returns: the user, with at least the primary group.
    /// - Throws: `noUser`, or `unreadable`.
    package static func identity(of nameOrNumber: String) throws(Failure) -> LaunchSpec.Identity {
        let found: LaunchSpec.Identity?
        if let number = UInt32(nameOrNumber) {
            found = try user(nameOrNumber) { getpwuid_r(number, $0, $1, $2, $3) }
        } else {
            found = try user(nameOrNumber) { getpwnam_r(nameOrNumber, $0, $1, $2, $3) }
        }
        guard var identity = found else { throw .noUser(nameOrNumber) }
        identity.groupIDs = groups(of: identity.name, primary: identity.groupID)
        return identity
    }

    /// The number of a group.
    ///
    /// - Parameter nameOrNumber: a name, or a number that must have an entry.
    /// - Returns: the group's number.
    /// - Throws: `noGroup`, or `unreadable`.
    package static func groupID(of nameOrNumber: String) throws(Failure) -> UInt32 {
        let number = UInt32(nameOrNumber)
        let found = try entry("look up group", nameOrNumber) { bytes -> (Int32, UInt32?) in
            var entry = group()
            var result: UnsafeMutablePointer<group>?
            let status =
                if let number {
                    getgrgid_r(number, &entry, bytes.baseAddress, bytes.count, &result)
                } else {
                    getgrnam_r(nameOrNumber, &entry, bytes.baseAddress, bytes.count, &result)
                }
            return (status, result?.pointee.gr_gid)
        }
        guard let found else { throw .noGroup(nameOrNumber) }
        return found
    }

    private typealias UserLookup = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func user(_ name: String, _ lookUp: UserLookup) throws(Failure) -> LaunchSpec.Identity? {
        try entry("look up user", name) { bytes -> (Int32, LaunchSpec.Identity?) in
            var entry = passwd()
            var result: UnsafeMutablePointer<passwd>?
            guard let texts = bytes.baseAddress else { return (ERANGE, nil) }
            let status = lookUp(&entry, texts, bytes.count, &result)
            guard status == 0, let found = result?.pointee, let name = found.pw_name else { return (status, nil) }
            let identity = LaunchSpec.Identity(
                name: String(cString: name), userID: found.pw_uid, groupID: found.pw_gid, groupIDs: [])
            return (status, identity)
        }
    }

    // The entry's texts lie in a buffer whose size nobody knows in advance: it grows while the answer is ERANGE.
    private static func entry<Entry>(
        _ operation: String, _ name: String,
        _ lookUp: (UnsafeMutableBufferPointer<CChar>) -> (status: Int32, Entry?)
    ) throws(Failure) -> Entry? {
        var size = 1024
        while true {
            let (status, found) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { lookUp($0) }
            switch status {
            case 0: return found
            // "Not found" in the words of some databases: getpwnam(3), ERRORS.
            case ENOENT, ESRCH, EBADF, EPERM: return nil
            case EINTR: continue
            case ERANGE where size < EdgeLimits.userEntryBytes: size *= 4
            default: throw .unreadable(KernelFailure(operation, name, status))
            }
        }
    }

    private static func groups(of name: String, primary: UInt32) -> [UInt32] {
        var count: CInt = 64
        while true {
            var found = CInt(count)
            let groups = [gid_t](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
                let status = getgrouplist(name, primary, buffer.baseAddress, &found)
                initialized = status < 0 ? 0 : Int(found)
            }
            // At least the primary group is always found: an empty list means that the buffer was too small.
            if !groups.isEmpty { return groups }
            if Int(count) >= EdgeLimits.groups { return [primary] }
            count = max(found, count * 2)
        }
    }
}
