/// Prometheus' text format, version 0.0.4, as it is written.
///
/// A family's head is written with its first sample: what nobody has a reading of is not there at all.
package struct MetricsText: Sendable {
    /// What a family's values mean.
    package enum Kind: String, Sendable {
        /// Goes up, and begins anew with the daemon.
        case counter
        /// Goes up and down.
        case gauge
    }

    /// The media type, with the version that scrapers look for.
    package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// What was written so far.
    package private(set) var bytes: [UInt8] = []
    private var name: [UInt8] = []
    private var head: [UInt8] = []

    /// - Parameter byteCount: how long it will about be, so that it does not grow in steps.
    package init(reserving byteCount: Int = 0) {
        bytes.reserveCapacity(byteCount)
    }

    /// Begins a family: the samples that follow are its.
    ///
    /// - Parameters:
    ///   - name: by Prometheus' rules: letters, digits and underscores, the base unit last, counters with `_total`.
    ///     Each once.
    ///   - kind: counter or gauge.
    ///   - help: one sentence.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name.removeAll(keepingCapacity: true)
        self.name.append(contentsOf: name.utf8)
        head.removeAll(keepingCapacity: true)
        head.append(contentsOf: "# HELP \(name) ".utf8)
        head.appendEscaped(help, quotes: false)
        head.append(contentsOf: "\n# TYPE \(name) \(kind.rawValue)\n".utf8)
    }

    /// One series of the family.
    ///
    /// - Parameters:
    ///   - labels: no two series of a family have the same.
    ///   - value: its value now.
    package mutating func sample(_ labels: MetricLabels = .none, _ value: Double) {
        begin(labels)
        bytes.append(number: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// One series of the family.
    ///
    /// - Parameters:
    ///   - labels: no two series of a family have the same.
    ///   - value: its value now.
    package mutating func sample(_ labels: MetricLabels = .none, _ value: Int64) {
        begin(labels)
        bytes.append(integer: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// One series that has one label more than others; nothing is made for it but its line.
    ///
    /// - Parameters:
    ///   - labels: the first ones.
    ///   - name: the last one's name.
    ///   - word: the last one's value.
    ///   - value: its value now.
    package mutating func sample(_ labels: MetricLabels, _ name: StaticString, _ word: String, _ value: Int64) {
        begin(labels, closes: false)
        bytes.append(labels.bytes.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: "=\"".utf8)
        bytes.appendEscaped(word, quotes: true)
        bytes.append(contentsOf: "\"} ".utf8)
        bytes.append(integer: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func begin(_ labels: MetricLabels, closes: Bool = true) {
        if !head.isEmpty {
            bytes.append(contentsOf: head)
            head.removeAll(keepingCapacity: true)
        }
        bytes.append(contentsOf: name)
        if !labels.bytes.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: labels.bytes)
            if closes { bytes.append(UInt8(ascii: "}")) }
        }
        if closes { bytes.append(UInt8(ascii: " ")) }
    }
}

/// Labels of a series, escaped once for all the lines that they stand in.
package struct MetricLabels: Hashable, Sendable {
    let bytes: [UInt8]

    /// No labels.
    package static let none = MetricLabels([])

    /// - Parameter pairs: names, of letters, digits and underscores, and values, which may be any text. One without a
    ///   value is left out.
    package init(_ pairs: [(name: String, value: String?)]) {
        var bytes: [UInt8] = []
        for case (let name, let value?) in pairs {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            bytes.appendEscaped(value, quotes: true)
            bytes.append(UInt8(ascii: "\""))
        }
        self.bytes = bytes
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// These, and others behind them.
    package func adding(_ pairs: [(name: String, value: String?)]) -> MetricLabels {
        let more = MetricLabels(pairs)
        if bytes.isEmpty || more.bytes.isEmpty { return bytes.isEmpty ? more : self }
        return MetricLabels(bytes: bytes + [UInt8(ascii: ",")] + more.bytes)
    }
}

extension [UInt8] {
    /// Backslashes, line ends and, in values, quotes. A NUL ends the text for Prometheus' own reader: it is shown as
    /// what cannot be shown.
    fileprivate mutating func appendEscaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append(contentsOf: #"\\"#.utf8)
            case UInt8(ascii: "\n"): append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\"") where quotes: append(contentsOf: #"\""#.utf8)
            case 0: append(contentsOf: "\u{FFFD}".utf8)
            default: append(byte)
            }
        }
    }

    fileprivate mutating func append(integer value: Int64) {
        if (0...9).contains(value) { return append(UInt8(ascii: "0") + UInt8(value)) }
        append(contentsOf: String(value).utf8)
    }

    fileprivate mutating func append(number value: Double) {
        if let whole = value.wholeNumber { return append(integer: whole) }
        if value.isNaN { return append(contentsOf: "NaN".utf8) }
        if value.isInfinite { return append(contentsOf: (value < 0 ? "-Inf" : "+Inf").utf8) }
        append(contentsOf: value.description.utf8)
    }
}
