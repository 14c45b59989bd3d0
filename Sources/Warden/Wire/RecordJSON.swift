package import WardenCore

extension StoredRecord {
    /// A block of recorded samples, its bytes in base64.
    package var json: JSONValue {
        .object([
            "sequence": .integer(sequence),
            "from": .string(block.from.rfc3339),
            "to": .string(block.to.rfc3339),
            "samples": .integer(Int64(block.sampleCount)),
            "data": .string(Base64.encode(block.bytes)),
        ])
    }
}
