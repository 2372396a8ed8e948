"""The commands' way in: it imports nothing that the command does not use."""

import os
import sys
from typing import NoReturn


def command() -> NoReturn:
    """Run ``repro`` and end the process with its exit status.

    Taking the interpreter apart would cost as much as a parser, and a command leaves nothing open.
    """
    status = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody reads it any more
            continue
    os._exit(status)


def main() -> int:
    """Run ``repro``; return the exit status."""
    try:
        _have_streams()
        if sys.argv[1:] in (["--version"], ["-V"]):
            from repro import __version__

            sys.stdout.write(f"repro {__version__}\n")
            return 0
        if "_REPRO_COMPLETE" in os.environ:  # a shell asks what could be typed
            from repro.cli.completing import complete

            return complete()
        import gc

        gc.set_threshold(100_000)  # not thirty times while modules are loading
        from repro.cli.boundary import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the commands could hear it
        return 130
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "repro":
            raise
        return _not_whole(error.name)


def _not_whole(module: str) -> int:
    """Say what is missing where only what an auditor needs was installed; return the status.

    It is that of an environment that cannot be used.
    """
    sys.stderr.write(
        f"repro: error: {module} is not installed, which every command but repro-verify needs\n"
        "repro: hint: for all of repro, in a checkout of it: pip install .\n"
    )
    return 3


def _have_streams() -> None:
    """Open the null device where a standard stream is closed: a pipe must not take its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            number = 1 if name == "stdout" else 2
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


if __name__ == "__main__":
    command()
