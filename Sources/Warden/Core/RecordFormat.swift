/// The bytes of a block: magic, version, header, facts, checksum.
///
/// Numbers are varints of seven bits a byte, signed ones in zigzag; instants are whole microseconds, most of them as
/// differences. A worker that is well costs ten to forty bytes a sample. What is listed here by number is part of the
/// format: new ones go to the end, and what an older version would misread needs a new version.
enum RecordFormat {
    static let version = 1
    static let magic: [UInt8] = [0x57, 0x52]  // WR

    /// What a fact begins with. From 128 on it is a sample, and the lower bits say what has changed since the last one.
    enum Tag: UInt8 {
        case started = 1, failedSample, logged, beat, demand, probed, waits, siblings, aided, doubted, retuned, exited,
            ordered, judged, began, noted, drained, clock
    }

    /// The lower bits of a sample's first byte.
    enum Change {
        static let drained: UInt8 = 1
        static let count: UInt8 = 2
        static let memory: UInt8 = 4
        static let cpu: UInt8 = 8
        static let io: UInt8 = 16
        static let switches: UInt8 = 32
        static let whole: UInt8 = 64
        static let sample: UInt8 = 128
    }

    static let conditions: [Condition] = [
        .starting, .healthy, .leaking(.fds), .leaking(.rss), .dark(.emfile), .dark(.errors), .dark(.probe),
        .hung(.silent), .hung(.noProgress), .hung(.deadlock), .hung(.livelock), .hung(.uninterruptible), .bloated(.rss),
        .paused(.stopped), .paused(.traced), .paused(.frozen), .unknown(.unreadable), .unknown(.leftOver),
    ]
    static let grades: [Grade] = [.weak, .strong, .proven]
    static let actions: [HealthAction] = [.none, .alert, .restart, .drain, .kill]
    static let kinds: [Chronicle.Kind] = [.start, .verdict, .decision, .hold, .outcome, .order]
    static let waits: [WaitReport.Wait] = [
        .futex, .pipeRead, .pipeWrite, .child, .timeout, .sharedFutex, .socket, .poll, .signal, .pipe, .ownOutput,
        .descriptor, .lock, .kernel, .held, .unknown, .running,
    ]

    /// FNV-1a: enough to see that bytes are missing or changed.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}

extension Instant {
    /// Whole microseconds.
    var microseconds: Int64 { nanoseconds / 1000 }

    init(microseconds: Int64) {
        let (product, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
        self.init(nanoseconds: overflow ? (microseconds < 0 ? .min : .max) : product)
    }
}

/// Bytes on their way into a block.
struct RecordBytes: Hashable, Codable, Sendable {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    mutating func put(byte: UInt8) { bytes.append(byte) }

    mutating func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func put(count: Int) { put(UInt64(max(0, count))) }

    mutating func put(signed number: Int64) {
        put(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    /// A difference that is mostly a multiple of `unit`.
    mutating func put(signed number: Int64, unit: Int64) {
        let isWhole = number % unit == 0
        let value = isWhole ? number / unit : number
        // Beyond the range of the shift only for absurd numbers, which then are what they become.
        put(signed: (value &* 2) | (isWhole ? 0 : 1))
    }

    mutating func put(flag: Bool) { bytes.append(flag ? 1 : 0) }

    mutating func put(_ instant: Instant) { put(signed: instant.microseconds) }

    mutating func put(_ number: Double) {
        let bits = number.bitPattern
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
    }

    mutating func put(fixed number: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
    }

    /// At most `RecordLimits.textBytes` of it.
    mutating func put(_ text: String) {
        let utf8 = text.utf8.prefix(RecordLimits.textBytes)
        put(count: utf8.count)
        bytes.append(contentsOf: utf8)
    }
}

/// The bytes of a block on their way out.
struct RecordSource {
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    var isAtEnd: Bool { offset >= bytes.endIndex }

    mutating func byte() throws(RecordError) -> UInt8 {
        guard offset < bytes.endIndex else { throw .damaged }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func number() throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 64 else { throw .damaged }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func count(atMost limit: Int) throws(RecordError) -> Int {
        let value = try number()
        guard value <= UInt64(limit) else { throw .damaged }
        return Int(value)
    }

    mutating func signed() throws(RecordError) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func signed(unit: Int64) throws(RecordError) -> Int64 {
        let value = try signed()
        return value & 1 == 0 ? (value >> 1) &* unit : value >> 1
    }

    mutating func flag() throws(RecordError) -> Bool { try byte() != 0 }

    mutating func instant() throws(RecordError) -> Instant { Instant(microseconds: try signed()) }

    mutating func double() throws(RecordError) -> Double {
        var bits: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 8) { bits |= UInt64(try byte()) << UInt64(shift) }
        return Double(bitPattern: bits)
    }

    mutating func text() throws(RecordError) -> String {
        let length = try count(atMost: RecordLimits.textBytes)
        guard bytes.endIndex - offset >= length else { throw .damaged }
        defer { offset += length }
        return String(decoding: bytes[offset..<(offset + length)], as: UTF8.self)
    }

    /// One of a table of the format.
    mutating func choice<Value>(_ table: [Value]) throws(RecordError) -> Value {
        let index = Int(try byte())
        guard table.indices.contains(index) else { throw .damaged }
        return table[index]
    }
}

extension RecordBytes {
    /// The place of a value in a table of the format; what is not in it is its first.
    mutating func put<Value: Equatable>(_ value: Value, in table: [Value]) {
        put(byte: UInt8(table.firstIndex(of: value) ?? 0))
    }
}
