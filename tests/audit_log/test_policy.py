"""Policies: every rule of the file, and what they say of checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.audit_log.errors import (
    BadSignatureError,
    CheckpointError,
    NoteError,
    PolicyError,
    UnknownSignerError,
)
from repro.audit_log.formats.note_key import Verifier, format_vkey, parse_vkey
from repro.audit_log.formats.policy import Group, Policy, policy_of_keys
from repro.audit_log.formats.policy_file import MAX_ITEMS, MAX_POLICY, parse_policy

from .cosigned import Key, checkpoint, note

PUBLISHED = Path(__file__).parents[1] / "vectors" / "audit_log" / "published"
ORIGIN = "example.org/log"
TEXT = checkpoint(ORIGIN, [b"a", b"b", b"c"])
LOG, LOG_PQ = Key(ORIGIN, 1), Key(ORIGIN, 2, 6)
X1, X2, X3 = (Key(f"x.example/{n}", n + 10, 4) for n in (1, 2, 3))
Y1, Y2 = Key("y.example/1", 21, 4), Key("y.example/2", 22, 6)
SPEC = f"""\
log {LOG.vkey()}

witness X1 {X1.vkey()}
witness X2 {X2.vkey()}
witness X3 {X3.vkey()}
group X-witnesses 2 X1 X2 X3

witness Y1 {Y1.vkey()}
witness Y2 {Y2.vkey()}
group Y-witnesses any Y1 Y2

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
""".encode()
W = f"witness w {X1.vkey()}\n"
V = f"witness v {X2.vkey()}\n"


def policy(text: str) -> Policy:
    return parse_policy(text.encode())


def test_the_example_of_the_specification_is_read() -> None:
    found = parse_policy(SPEC)
    assert [format_vkey(log.verifier) for log in found.logs] == [LOG.vkey()]
    assert [w.name for w in found.witnesses] == [b"X1", b"X2", b"X3", b"Y1", b"Y2"]
    assert found.groups == (
        Group(b"X-witnesses", 2, (b"X1", b"X2", b"X3")),
        Group(b"Y-witnesses", 1, (b"Y1", b"Y2")),
        Group(b"X-and-Y", 2, (b"X-witnesses", b"Y-witnesses")),
    )
    assert found.quorum == b"X-and-Y"


@pytest.mark.parametrize(
    ("signers", "missing"),
    [
        ((X1, X2, Y1), ""),
        ((X1, X2, X3, Y1, Y2), ""),
        ((X2, X3, Y2), ""),
        (
            (X1, Y1),
            "group 'X-and-Y' needs 2 of 2 and has 1 (not there: 'X-witnesses'); "
            "group 'X-witnesses' needs 2 of 3 and has 1 (not there: 'X2', 'X3')",
        ),
        (
            (X1, X2, X3),
            "group 'X-and-Y' needs 2 of 2 and has 1 (not there: 'Y-witnesses'); "
            "group 'Y-witnesses' needs 1 of 2 and has 0 (not there: 'Y1', 'Y2')",
        ),
    ],
)
def test_the_quorum_is_met_or_what_it_lacks_is_said(signers: tuple[Key, ...], missing: str) -> None:
    found = parse_policy(SPEC).judge(note(TEXT, LOG, *signers, time=1679315147))
    assert (found.missing, found.met) == (missing, not missing)
    assert found.checkpoint.size == 3
    assert format_vkey(found.log.verifier) == LOG.vkey()
    names = {key.name: key.name[0].upper() + key.name[-1] for key in signers}
    assert [w.name.decode() for w in found.witnesses] == [names[key.name] for key in signers]
    assert {w.time for w in found.witnesses} == {1679315147}


def test_a_quorum_of_one_witness_and_of_none() -> None:
    one = policy(f"log {LOG.vkey()}\n{W}quorum w\n")
    assert one.judge(note(TEXT, LOG, X1)).met
    assert one.judge(note(TEXT, LOG, X2)).missing == "witness 'w' has not cosigned"
    none = policy(f"log {LOG.vkey()}\n{W}quorum none\n")
    assert none.judge(note(TEXT, LOG)).met
    assert [w.name for w in none.judge(note(TEXT, LOG, X1)).witnesses] == [b"w"]


def test_one_witness_that_signs_often_counts_once() -> None:
    found = policy(f"log {LOG.vkey()}\n{W}{V}group g 2 w v\nquorum g\n")
    twice = note(TEXT, LOG, X1, time=1) + X1.line(TEXT, 2).encode()
    assert not found.judge(twice).met


@pytest.mark.parametrize("signer", [LOG, LOG_PQ])
def test_any_one_of_the_logs_keys_is_enough_so_one_alone_can_be_demanded(signer: Key) -> None:
    lines = {key: f"log {key.vkey()}\n" for key in (LOG, LOG_PQ)}
    either = policy(lines[LOG] + lines[LOG_PQ] + "quorum none\n")
    assert not either.judge(note(TEXT, signer)).post_quantum
    only = policy(lines[LOG_PQ] + "quorum none\n")
    if signer == LOG_PQ:
        assert only.judge(note(TEXT, LOG, LOG_PQ)).post_quantum
    else:
        with pytest.raises(UnknownSignerError):
            only.judge(note(TEXT, signer))


def test_a_log_key_signs_for_the_origin_that_it_is_named_after() -> None:
    other = Key("example.org/other", 3)
    found = policy(f"log {LOG.vkey()}\nlog {other.vkey()}\n{W}quorum w\n")
    with pytest.raises(UnknownSignerError, match=r"no key of the log 'example\.org/log'"):
        found.judge(note(TEXT, other, X1))
    # A published log whose key is not named after its origin.
    vkey = (PUBLISHED / "sum.golang.org.vkeys").read_text()
    with pytest.raises(UnknownSignerError):
        policy(f"log {vkey}quorum none\n").judge((PUBLISHED / "sum.golang.org.note").read_bytes())


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    with pytest.raises(UnknownSignerError):
        parse_policy(SPEC).judge(note(TEXT, X1, X2, Y1))
    with pytest.raises(UnknownSignerError, match="no log"):
        policy(f"{W}quorum w\n").judge(note(TEXT, LOG, X1))


def test_a_bad_signature_of_a_known_witness_refuses_everything() -> None:
    other = TEXT.replace("\n3\n", "\n4\n")
    data = note(TEXT, LOG, X1, X2, Y1) + X3.line(other).encode()
    with pytest.raises(BadSignatureError, match=r"x\.example/3"):
        parse_policy(SPEC).judge(data)
    stranger = Key("stranger.example", 90, 4)
    assert parse_policy(SPEC).judge(note(TEXT, LOG, X1, X2, Y1, stranger)).met


def test_a_log_may_sign_only_checkpoints() -> None:
    with pytest.raises(CheckpointError):
        parse_policy(SPEC).judge(note("good morning\n", LOG))
    with pytest.raises(NoteError):
        parse_policy(SPEC).judge(b"")


def test_published_witnesses_meet_a_quorum() -> None:
    vkeys = (PUBLISHED / "arche2025h1.vkeys").read_text().split()
    lines = [f"log {vkeys[0]}", *(f"witness {n} {key}" for n, key in enumerate(vkeys[1:]))]
    text = "\n".join([*lines, "group g 3 0 1 2 3", "quorum g", ""])
    found = policy(text).judge((PUBLISHED / "arche2025h1.note").read_bytes())
    assert found.met
    assert len(found.witnesses) == 4


def test_white_space_and_comments_mean_nothing() -> None:
    found = parse_policy(
        b"\n# comment \xff\n\t # another\n"
        + f"\twitness \t w1  {X1.vkey()}   https://w1.example/  \n".encode()
        + b"\n  quorum\tw1\n \t\n"
    )
    assert [(w.name, w.url) for w in found.witnesses] == [(b"w1", b"https://w1.example/")]


def test_names_are_octets_and_keywords_are_names() -> None:
    kelvin = "\N{KELVIN SIGN}".encode()
    found = parse_policy(
        b"witness K %s\nwitness %s %s\n" % (X1.vkey().encode(), kelvin, X2.vkey().encode())
        + b"witness all %s\nwitness any \t%s \xfe\n" % (X3.vkey().encode(), Y1.vkey().encode())
        + b"group group 1 all any\ngroup 2 any K\ngroup \xff all %s group\nquorum \xff\n" % kelvin
    )
    assert [w.name for w in found.witnesses] == [b"K", kelvin, b"all", b"any"]
    assert found.witnesses[3].url == b"\xfe"
    assert found.quorum == b"\xff"


def test_a_key_may_be_a_logs_and_a_witnesses() -> None:
    same = policy(f"log {LOG_PQ.vkey()}\nwitness w {LOG_PQ.vkey()}\nquorum w\n")
    assert same.judge(note(TEXT, LOG_PQ)).met


def _renamed(key: Key, name: str, kind: int) -> str:
    return Key(name, key.seed, kind).vkey()


BAD = [
    ("cr", "quorum none\r\n", 1, "octet 0x0d"),
    ("control", "quorum none\n#\x01\n", 2, "octet 0x01"),
    ("delete", "quorum none\n\x7f\n", 2, "octet 0x7f"),
    ("unterminated", "quorum none", 1, "does not end in a newline"),
    ("keyword", "quibble w1\nquorum none\n", 1, "begins no line"),
    ("capital", "Quorum none\n", 1, "begins no line"),
    ("inline", f"{W[:-1]} https://w # no\nquorum w\n", 1, "form `witness NAME VKEY"),
    ("log", "log\nquorum none\n", 1, "form `log VKEY"),
    ("log-items", f"log {LOG.vkey()} a b\nquorum none\n", 1, "form `log VKEY"),
    ("log-key", "log garbage\nquorum none\n", 1, "not a public key"),
    ("log-octets", "log \udcff\nquorum none\n", 1, "not UTF-8"),
    ("log-kind", f"log {X1.vkey()}\nquorum none\n", 1, "does not sign with a key of type 0x04"),
    ("log-twice", f"log {LOG.vkey()}\nlog {LOG.vkey()} u\nquorum none\n", 2, "already there"),
    (
        "log-again",
        f"log {LOG.vkey()}\nlog {_renamed(LOG, 'example.org/b', 1)}\nquorum none\n",
        2,
        "already there",
    ),
    ("witness", "witness w\nquorum none\n", 1, "form `witness NAME"),
    ("witness-kind", f"witness w {LOG.vkey()}\nquorum w\n", 1, "cosign with a key of type 0x01"),
    ("witness-none", f"witness none {X1.vkey()}\nquorum none\n", 1, "'none' is taken"),
    ("witness-name", f"{W}witness w {X2.vkey()}\nquorum w\n", 2, "defined in line 1"),
    (
        "witness-key",
        f"{W}witness v {_renamed(X1, 'impostor.example', 4)}\nquorum w\n",
        2,
        "witness 'w' has this public key",
    ),
    ("group-name", f"{W}group w any w\nquorum w\n", 2, "defined in line 1"),
    ("group-none", f"{W}group none any w\nquorum none\n", 2, "'none' is taken"),
    ("group-itself", f"{W}group g any g\nquorum w\n", 2, "'g' is not defined before"),
    ("group-empty", f"{W}group g 1\nquorum w\n", 2, "form `group NAME"),
    ("group-forward", f"group g any w\n{W}quorum g\n", 1, "'w' is not defined before"),
    ("group-unknown", f"{W}group g any v\nquorum g\n", 2, "'v' is not defined before"),
    ("group-of-none", f"{W}group g any none w\nquorum g\n", 2, "'none' is not defined"),
    ("member-twice", f"{W}group g all w w\nquorum g\n", 2, "member in line 2 already"),
    ("member-again", f"{W}{V}group g any w v\ngroup h any w\nquorum g\n", 4, "member in line 3"),
    ("k-0", f"{W}group g 0 w\nquorum g\n", 2, "not how many of 1"),
    ("k-2", f"{W}group g 2 w\nquorum g\n", 2, "not how many of 1"),
    ("k-negative", f"{W}group g -1 w\nquorum g\n", 2, "not how many of 1"),
    ("k-plus", f"{W}group g +1 w\nquorum g\n", 2, "not how many of 1"),
    ("k-01", f"{W}group g 01 w\nquorum g\n", 2, "not how many of 1"),
    ("k-huge", f"{W}group g {'9' * 5000} w\nquorum g\n", 2, "not how many of 1"),
    ("no-quorum", W, None, "no quorum line"),
    ("empty", "", None, "no quorum line"),
    ("quorum-twice", f"{W}quorum w\nquorum w\n", 3, "line 2 is a quorum already"),
    ("quorum-unknown", "quorum w\n", 1, "'w' is not defined before"),
    ("quorum-early", f"quorum w\n{W}", 1, "'w' is not defined before"),
    ("quorum-empty", "quorum\n", 1, "form `quorum NAME`"),
    ("quorum-items", f"{W}{V}quorum w v\n", 3, "form `quorum NAME`"),
]


@pytest.mark.parametrize(("text", "line", "words"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_every_broken_rule_is_named_with_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode(errors="surrogateescape"))
    assert words in str(caught.value)
    assert caught.value.line == line
    assert caught.value.hint


def test_policies_are_as_large_as_recommended_and_bounded() -> None:
    logs = "".join(f"log {Key(f'example.org/{n}', n + 1).vkey()}\n" for n in range(32))
    witnesses = "".join(
        f"witness w{n} {Key(f'w.example/{n}', n + 40, 4).vkey()}\n" for n in range(32)
    )
    groups = "".join(f"group g{n} any w{n}\n" for n in range(32))
    found = policy(f"{logs}{witnesses}{groups}quorum g31\n")
    assert (len(found.logs), len(found.witnesses), len(found.groups)) == (32, 32, 32)
    with pytest.raises(PolicyError, match="bytes"):
        parse_policy(b"#" * MAX_POLICY + b"\n")


def test_a_long_chain_of_groups_is_judged_without_recursion() -> None:
    chain = [f"group g{n} any {'w' if n == 0 else f'g{n - 1}'}\n" for n in range(MAX_ITEMS + 1)]
    text = f"log {LOG.vkey()}\n{W}" + "".join(chain[:-1])
    found = policy(f"{text}quorum g{MAX_ITEMS - 1}\n")
    assert found.judge(note(TEXT, LOG, X1)).met
    assert len(found.judge(note(TEXT, LOG)).missing) < 2000
    with pytest.raises(PolicyError, match="more than 1000 groups"):
        policy(f"{text}{chain[-1]}quorum none\n")


def test_bare_keys_demand_no_witness_and_report_those_that_are_known() -> None:
    keys = [parse_vkey(key.vkey()) for key in (LOG, LOG_PQ, Y1, Y2)]
    found = policy_of_keys([*keys, keys[0]]).judge(note(TEXT, LOG, LOG_PQ, Y1, time=4))
    assert found.met
    assert [v.verifier for v in found.logs] == keys[:2]
    assert [(w.name, w.time) for w in found.witnesses] == [(b"y.example/1", 4)]
    with pytest.raises(UnknownSignerError):
        policy_of_keys(keys[2:]).judge(note(TEXT, LOG, Y1))


def test_two_keys_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two keys of one name and id cost 2^32 trials: here every id is the same.
    monkeypatch.setattr(
        "repro.audit_log.formats.note_key.key_id", lambda name, kind, key: b"\0\0\0\0"
    )
    first, second = Verifier("w", b"\1" * 32, 4), Verifier("w", b"\2" * 32, 4)
    with pytest.raises(PolicyError, match="one key id"):
        policy_of_keys([first, second])
    text = f"witness a {format_vkey(first)}\nwitness b {format_vkey(second)}\nquorum a\n"
    with pytest.raises(PolicyError, match="another key has this name"):
        policy(text)
