"""What can be asked of ``repro-verify``. Nothing heavy is imported: asking for help is quick."""

from __future__ import annotations

import argparse

EPILOG = """\
exit status: 0 ok; 1 torn or incomplete; 2 usage; 3 unverifiable;
4 tampered, truncated, rolled back or forked
"""


class Once(argparse.Action):
    """An option that names one file: given twice, one of the two would be passed over silently."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Store the value; refuse a second one."""
        if getattr(namespace, self.dest) is not None:
            parser.error(f"argument {option_string}: given twice")
        setattr(namespace, self.dest, values)


def parser() -> argparse.ArgumentParser:
    """Return the parser; ``command`` in what it returns names what is asked for."""
    top = argparse.ArgumentParser(
        prog="repro-verify",
        description="Verify an audit log, or a C2SP note, proof or bundle, trusting nobody.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")

    log = commands.add_parser("log", help="verify the log in a directory", allow_abbrev=False)
    log.add_argument("directory", metavar="DIR")
    _add_trust(log)
    log.add_argument("--checkpoint", metavar="OLD", help="a checkpoint kept from earlier")
    log.add_argument(
        "--full",
        action="store_true",
        help="read everything, also what --state remembers, and hold each line to every rule",
    )
    log.add_argument(
        "--state", metavar="FILE", help="what you have verified before: only the rest is read"
    )
    log.add_argument(
        "--evidence", metavar="DIR", help="where to write proof of a fork, if there is one"
    )
    log.add_argument(
        "--without-openings", action="store_true", help="a copy handed out without openings/"
    )
    log.add_argument(
        "--self-asserted", action="store_true", help="accept the key that the log names, at L0"
    )
    log.add_argument(
        "--artifacts",
        nargs="?",
        const="",
        metavar="ROOT",
        help="digest every artifact again, below ROOT (default: where DIR lies)",
    )

    tiles = commands.add_parser(
        "tiles", help="verify a log as it is published: C2SP tlog-tiles", allow_abbrev=False
    )
    tiles.add_argument("directory", metavar="DIR", help="the folder with `checkpoint` and `tile`")
    _add_trust(tiles)
    tiles.add_argument("--checkpoint", metavar="OLD", help="a checkpoint kept from earlier")
    tiles.add_argument("--full", action="store_true", help="hold each line to every rule")
    tiles.add_argument(
        "--evidence", metavar="DIR", help="where to write proof of a fork, if there is one"
    )
    tiles.add_argument(
        "--self-asserted", action="store_true", help="accept the key that the log names, at L0"
    )

    note = commands.add_parser("note", help="verify a signed note", allow_abbrev=False)
    note.add_argument("file", metavar="FILE")
    _add_keys(note)

    proof = commands.add_parser(
        "proof", help="verify a .tlog-proof: that an entry is in a log", allow_abbrev=False
    )
    proof.add_argument("file", metavar="FILE")
    _add_trust(proof)
    entry = proof.add_mutually_exclusive_group(required=True)
    entry.add_argument("--entry", action=Once, metavar="FILE", help="the entry, byte for byte")
    entry.add_argument(
        "--leaf", action=Once, metavar="HEX", help="its leaf hash, 64 hexadecimal digits"
    )

    consistency = commands.add_parser(
        "consistency", help="verify that one checkpoint continues another", allow_abbrev=False
    )
    consistency.add_argument("old", metavar="OLD")
    consistency.add_argument("new", metavar="NEW")
    consistency.add_argument(
        "--proof", action=Once, required=True, metavar="FILE", help="base64 hashes, one on a line"
    )
    _add_trust(consistency)

    bundle = commands.add_parser(
        "bundle", help="verify records of a log that came in one file", allow_abbrev=False
    )
    bundle.add_argument("file", metavar="FILE")
    _add_trust(bundle)

    fork = commands.add_parser(
        "fork", help="verify evidence that a log was forked", allow_abbrev=False
    )
    fork.add_argument("file", metavar="FILE")
    _add_trust(fork)

    for command in (log, tiles, note, proof, consistency, bundle, fork):
        command.add_argument("--format", choices=("text", "json"), default="text")
    return top


def _add_trust(command: argparse.ArgumentParser) -> None:
    trust = command.add_mutually_exclusive_group()
    trust.add_argument(
        "--policy",
        action=Once,
        metavar="FILE",
        help="a tlog-policy: the logs and witnesses that are trusted, and the quorum",
    )
    _add_keys(trust)


def _add_keys(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--vkey",
        action="append",
        default=[],
        metavar="KEY",
        help="a trusted key (NAME+ID+BASE64), or a file with keys; may be repeated",
    )
