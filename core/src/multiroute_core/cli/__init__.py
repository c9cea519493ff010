"""The command line: `multiroute <command>`. Start in `main`; one module a command."""
