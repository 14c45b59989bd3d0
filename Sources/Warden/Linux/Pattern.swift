internal import CPCRE2

/// Why a regular expression cannot be used.
package struct PatternFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The expression.
    package var expression: String
    /// Where it goes wrong: bytes from its start.
    package var offsetBytes: Int
    /// What is wrong, in PCRE2's words.
    package var message: String

    /// - Parameters: as the properties of the same names.
    package init(expression: String, offsetBytes: Int, message: String) {
        self.expression = expression
        self.offsetBytes = offsetBytes
        self.message = message
    }

    /// `bad regular expression "a(b" at 3: missing closing parenthesis`.
    package var description: String {
        "bad regular expression \"\(expression)\" at \(offsetBytes): \(message)"
    }
}

/// The limits of patterns.
package enum PatternLimits {
    /// Bytes of an expression.
    package static let expressionBytes = 4096
    /// Steps of one match; beyond it the line counts as one that does not match.
    package static let matchSteps: UInt32 = 100_000
    /// Depth of the backtracking of one match, where there is no JIT.
    package static let matchDepth: UInt32 = 10_000
    /// Memory of the backtracking of one match, in KiB.
    package static let matchHeapKiB: UInt32 = 1024
    /// The stack of compiled patterns: what it begins with, and its end. One per thread.
    package static let stackBytes = (first: 32 * 1024, last: 512 * 1024)
}

/// A regular expression of PCRE2, compiled to machine code where that is possible. It reads bytes, not characters: a
/// log may hold anything.
///
/// It never changes after it was made, so that threads share it; each matches with a `PatternMatcher` of its own.
package final class Pattern: Sendable {
    /// The expression.
    package let expression: String
    // PCRE2's `pcre2_code *`. Kept as numbers because pointers are not Sendable; PCRE2 promises that compiled code is
    // only read from, by as many threads as like to.
    private let address: UInt
    // The form that is looked for in many lines at once; 0 when there is none.
    private let chunkAddress: UInt
    internal let isMachineCode: Bool

    /// - Parameter expression: a Perl-compatible regular expression, at most `PatternLimits.expressionBytes` bytes.
    /// - Throws: what is wrong with it, and where.
    package init(_ expression: String) throws(PatternFailure) {
        guard expression.utf8.count <= PatternLimits.expressionBytes else {
            throw PatternFailure(
                expression: String(expression.prefix(64)) + "...", offsetBytes: PatternLimits.expressionBytes,
                message: "longer than \(PatternLimits.expressionBytes) bytes")
        }
        var failure: (number: CInt, offset: Int) = (0, 0)
        guard let code = Self.compile(Array(expression.utf8), options: 0, &failure) else {
            throw PatternFailure(
                expression: expression, offsetBytes: failure.offset, message: Self.text(of: failure.number))
        }
        self.expression = expression
        address = UInt(bitPattern: code)
        isMachineCode = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) == 0
        chunkAddress = isMachineCode ? Self.compileChunkForm(of: expression) : 0
    }

    deinit {
        pcre2_code_free_8(code)
        pcre2_code_free_8(chunkCode)
    }

    internal var code: OpaquePointer? { OpaquePointer(bitPattern: address) }
    internal var chunkCode: OpaquePointer? { OpaquePointer(bitPattern: chunkAddress) }

    /// Whether many lines can be searched at once. Not so for expressions that might see beyond a line.
    package var searchesChunks: Bool { chunkAddress != 0 }

    private static func compileChunkForm(of expression: String) -> UInt {
        var failure: (number: CInt, offset: Int) = (0, 0)
        guard let form = PatternChunkForm.rewrite(expression),
            let code = compile(form, options: PCRE2_MULTILINE, &failure)
        else { return 0 }
        if pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) == 0 { return UInt(bitPattern: code) }
        pcre2_code_free_8(code)
        return 0
    }

    private static func compile(
        _ expression: [UInt8], options: UInt32, _ failure: inout (number: CInt, offset: Int)
    ) -> OpaquePointer? {
        // One byte more, so that even an empty expression has an address.
        (expression + [0]).withUnsafeBufferPointer { bytes in
            pcre2_compile_8(
                bytes.baseAddress, expression.count, options | UInt32(PCRE2_NEVER_BACKSLASH_C), &failure.number,
                &failure.offset, nil)
        }
    }

    private static func text(of errorNumber: CInt) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
            let length = pcre2_get_error_message_8(errorNumber, buffer.baseAddress, buffer.count)
            return length < 0 ? "error \(errorNumber)" : String(decoding: buffer.prefix(Int(length)), as: UTF8.self)
        }
    }
}

/// The room that one thread needs to match patterns: made once, used for every line.
package final class PatternMatcher {
    /// Matches that were given up because they took too many steps.
    package private(set) var exhaustedCount: UInt64 = 0
    private let data: OpaquePointer?
    private let context: OpaquePointer?
    private let stack: OpaquePointer?
    // An empty line may have no address, and PCRE2 wants one.
    private let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

    /// A matcher of its own for the calling thread.
    package init() {
        nothing.initialize(to: 0)
        data = pcre2_match_data_create_8(1, nil)
        context = pcre2_match_context_create_8(nil)
        stack = pcre2_jit_stack_create_8(PatternLimits.stackBytes.first, PatternLimits.stackBytes.last, nil)
        guard let context else { return }
        _ = pcre2_set_match_limit_8(context, PatternLimits.matchSteps)
        _ = pcre2_set_depth_limit_8(context, PatternLimits.matchDepth)
        _ = pcre2_set_heap_limit_8(context, PatternLimits.matchHeapKiB)
        guard let stack else { return }
        pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    }

    deinit {
        pcre2_jit_stack_free_8(stack)
        pcre2_match_context_free_8(context)
        pcre2_match_data_free_8(data)
        nothing.deallocate()
    }

    /// Whether `pattern` occurs in `bytes`. Out of memory and too many steps count as no.
    ///
    /// - Parameters:
    ///   - pattern: what to look for.
    ///   - bytes: a line, without its end.
    package func finds(_ pattern: Pattern, in bytes: UnsafeRawBufferPointer) -> Bool {
        let start = bytes.baseAddress ?? UnsafeRawPointer(nothing)
        let subject = start.assumingMemoryBound(to: UInt8.self)
        let answer =
            pattern.isMachineCode
            ? pcre2_jit_match_8(pattern.code, subject, bytes.count, 0, 0, data, context)
            : pcre2_match_8(pattern.code, subject, bytes.count, 0, 0, data, context)
        if answer >= 0 { return true }
        if answer != PCRE2_ERROR_NOMATCH { exhaustedCount &+= 1 }
        return false
    }

    /// What a search through a chunk found.
    internal enum Hit {
        /// The first match begins at this offset.
        case at(Int)
        case none
        /// It took too many steps.
        case unknown
    }

    /// Where `pattern`, which must be one that searches chunks, first occurs in many lines.
    ///
    /// - Parameters:
    ///   - pattern: what to look for.
    ///   - lines: whole lines with their ends, LF alone.
    ///   - start: the beginning of a line, before which nothing is looked for.
    internal func firstHit(of pattern: Pattern, in lines: UnsafeRawBufferPointer, from start: Int) -> Hit {
        guard let subject = lines.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return .none }
        let answer = pcre2_jit_match_8(pattern.chunkCode, subject, lines.count, start, 0, data, context)
        if answer == PCRE2_ERROR_NOMATCH { return .none }
        guard answer >= 0, let vector = pcre2_get_ovector_pointer_8(data) else { return .unknown }
        return .at(vector[0])
    }
}
