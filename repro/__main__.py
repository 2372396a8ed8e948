"""The commands' way in: it imports nothing that the command does not use."""

import sys


def main() -> int:
    """Run ``repro``; return the exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from repro import __version__

        sys.stdout.write(f"repro {__version__}\n")
        return 0
    from repro.cli.boundary import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
