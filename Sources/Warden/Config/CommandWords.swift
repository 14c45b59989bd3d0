/// A command line of the configuration as words: the rules of a POSIX shell for quotes, and no shell.
package enum CommandWords {
    /// Why a text has no words.
    package struct Failure: Error, Hashable, Sendable {
        /// The reason, in lower case.
        package var text: String
    }

    /// Splits a command into its arguments, as `command` of a program is split.
    ///
    /// - Parameter text: the command.
    /// - Returns: its words, at least none; or an open quotation.
    package static func split(_ text: String) -> Result<[String], Failure> {
        do throws(ValueError) {
            return .success(try ShellWords.split(text))
        } catch {
            return .failure(Failure(text: error.message))
        }
    }
}
