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

extension RecordContents {
    /// - Parameter json: an element of `blocks`.
    /// - Throws: when its data is no block that this version can read.
    package init(_ json: JSONValue) throws(RecordError) {
        guard let bytes = json["data"]?.string.flatMap(Base64.decode) else { throw .damaged }
        try self.init(decoding: bytes)
    }
}
