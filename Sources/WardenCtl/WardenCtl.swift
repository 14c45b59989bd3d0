import Glibc
import WardenConfig
import WardenOutbound

/// wardenctl: supervisorctl's grammar, and Warden's own commands beside it.
@main
enum WardenCtl {
    private static let usage = """
        wardenctl: ask and steer a Warden or supervisord daemon

        Usage: wardenctl [options] [command [arguments]]

        Options:
          -c, --configuration FILE  take the server from [supervisorctl] of this file (default: Warden's and
                                    supervisord's usual places)
          -s, --serverurl URL       the server: unix:///path, http://host:port or
                                    https://host:port
                                    (default without a configuration: \(ServerChoice.standardURL))
          -u, --username NAME       for Basic authentication
          -p, --password PASSWORD   for Basic authentication
              --ca-file FILE        trust these certificates (PEM) with https, and not the host's
          -i, --interactive         ask before something is shut down
          -r, --history-file FILE   where the shell keeps what was typed
              --json                whatever lists or shows something prints JSON
          -h, --help                print this and exit

        Without a command, commands are read from standard input. `wardenctl help` lists them.
        """

    static func main() async {
        let arguments = CommandLine.arguments
        do {
            let invocation = try Invocation(Array(arguments.dropFirst()))
            if invocation.wantsHelp {
                Terminal.tell(.line(usage))
                return
            }
            if invocation.words.first == CommandName.check.rawValue {
                let words = invocation.line.split(separator: " ").dropFirst().map(String.init)
                exit(CheckCommand(tell: Terminal.tell).run(words))
            }
            if invocation.words.first == CommandName.hashPassword.rawValue {
                let words = Array(invocation.words.dropFirst())
                exit(HashPasswordCommand(tell: Terminal.tell, ask: Terminal.ask).run(words))
            }
            let choice = try ServerChoice(invocation, program: arguments.first ?? "wardenctl", host: .client())
            exit(await run(invocation, choice))
        } catch {
            Terminal.tell(.error("Error: \(error.text)"))
            Terminal.tell(.error("For help, use wardenctl -h"))
            exit(ExitCode.usage)
        }
    }

    private static func run(_ invocation: Invocation, _ choice: ServerChoice) async -> Int32 {
        do {
            return try await ControlClient.with(
                choice.address, credentials: choice.credentials, authority: invocation.authority
            ) { client in
                var runner = CommandRunner(
                    server: RemoteServer(address: choice.url, client: client),
                    isInteractive: invocation.isInteractive, wantsJSON: invocation.wantsJSON, tell: Terminal.tell,
                    ask: Terminal.ask, attention: .terminal,
                    programs: { ProgramSource(file: $0 ?? invocation.configurationFile, host: .client()) })
                guard invocation.words.isEmpty else {
                    // The commands that go on until Ctrl-C.
                    let endless = ["tail", "fg", "events", "drill"]
                    if endless.contains(where: { invocation.line.contains($0) }) { Interruption.endsQuietly() }
                    _ = await runner.run(invocation.line)
                    return runner.exitCode
                }
                var shell = Shell(prompt: choice.prompt, historyFile: choice.historyFile)
                await shell.run(&runner)
                return ExitCode.success
            }
        } catch {
            Terminal.tell(.error(FailureText.line(.connection(error), address: choice.url)))
            return ExitCode.failure
        }
    }
}
