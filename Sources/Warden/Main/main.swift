import WardenRuntime

CommandLineEntry.run()
