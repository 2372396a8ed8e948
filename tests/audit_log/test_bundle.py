"""Bundles: what they prove, what they leave open, and that nothing in them can be changed."""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from repro.audit_log.__main__ import main
from repro.audit_log.errors import BundleError
from repro.audit_log.formats.bundle import Entry, make_bundle, parse_bundle
from repro.audit_log.formats.bundle_report import BundleReport, verify_bundle
from repro.audit_log.formats.note_key import parse_vkey
from repro.audit_log.formats.policy_file import parse_policy

from . import reference
from .conftest import Site
from .cosigned import Key, checkpoint, note

ORIGIN = "repro.log/000102030405060708090a0b0c0d0e0f"
OLD, NEW, WITNESS = Key(ORIGIN, 1), Key(ORIGIN, 2), Key("w.example", 3, 4)
SALT = "5a" * 32
ARTIFACT = {"path": "m", "blake3": "00" * 32, "sha256": "11" * 32, "size": 0}
Json = dict[str, Any]


def commitment(path: str, value: object) -> Json:
    """Return a commitment, computed by the second implementation."""
    data = bytes.fromhex(SALT) + reference.canonical([path, value]).encode()
    found = blake3(data, derive_key_context="repro-audit v1 commitment")
    return {"commitment": found.hexdigest()}


BODIES: list[tuple[str, Json]] = [
    ("log.created", {"format": "repro-audit v1", "origin": ORIGIN, "vkeys": [OLD.vkey()]}),
    ("run.planned", {"run": "r1", "by": commitment("body.by", "Ada")}),
    ("incident", {"text": "é", "who": [{"name": commitment("body.who.0.name", {"a": 1.5})}]}),
    ("key.rotated", {"vkeys": [NEW.vkey()]}),
    ("run.completed", {"run": "r1", "plan": 1, "artifacts": [ARTIFACT]}),
    ("incident", {"text": "other"}),
]


def lines(change: Json | None = None, at: int = -1) -> list[bytes]:
    """Return the lines of the log, with some members of one of them replaced."""
    made: list[bytes] = []
    for seq, (kind, body) in enumerate(BODIES):
        record = {
            "seq": seq,
            "time": f"2025-01-31T12:00:0{seq}.000001Z",
            "type": kind,
            "actor": {"user": "ada", "host": "engine", "how": "vector"},
            "tool": {"name": "vectors", "version": "1"},
            "nonce": f"{seq:032x}",
            "prev": reference.line_hash(made[-1]) if made else "0" * 64,
            "body": body,
        }
        if kind == "key.rotated":
            text = f"repro-audit key rotation v1\n{ORIGIN}\nseq {seq}\nprev {record['prev']}\n"
            text += f"{NEW.vkey()}\n"
            record["body"] = {**body, "note": f"{text}\n{OLD.line(text)}{NEW.line(text)}"}
        if seq == at:
            record.update(change or {})
        made.append(reference.canonical(record).encode())
    return made


LINES = lines()
OPENINGS = [
    {"path": "body.by", "salt": SALT, "value": "Ada"},
    {"path": "body.who.0.name", "salt": SALT, "value": {"a": 1.5}},
]


def bundle(
    made: list[bytes] | None = None,
    indexes: tuple[int, ...] = (0, 1, 2, 3, 4),
    keys: tuple[Key, ...] = (NEW,),
    openings: list[Json] | None = None,
    timestamps: tuple[bytes, ...] = (),
) -> bytes:
    """Return a bundle of records of a log that was signed as a whole."""
    made = LINES if made is None else made
    entries = [Entry(n, made[n], tuple(reference.path(n, made))) for n in indexes]
    signed = note(checkpoint(ORIGIN, made), *keys, time=7)
    given = OPENINGS if openings is None else openings
    return make_bundle(signed, entries, openings=given, timestamps=timestamps)


def judge(data: bytes, *keys: Key) -> BundleReport:
    return verify_bundle(data, [parse_vkey(key.vkey()) for key in keys or (NEW,)])


def altered(data: bytes, *path: str | int, value: object) -> bytes:
    """Return the bundle with one value replaced, canonical again."""
    whole = json.loads(data)
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return reference.canonical(whole).encode() + b"\n"


def test_a_bundle_proves_its_records_and_says_what_it_does_not() -> None:
    found = judge(bundle(timestamps=(b"token",)))
    assert (found.verdict, found.exit_status, found.problem) == ("ok", 0, "")
    assert (found.origin, found.size) == (ORIGIN, 6)
    assert [(r.index, r.type) for r in found.records] == [
        (n, BODIES[n][0]) for n in (0, 1, 2, 3, 4)
    ]
    assert found.signed_by == (NEW.vkey(),)
    assert [(o.index, o.path, o.value) for o in found.openings] == [
        (1, "body.by", "Ada"),
        (2, "body.who.0.name", {"a": 1.5}),
    ]
    assert found.artifacts == ((4, ARTIFACT),)
    assert found.proven[0] == f"a trusted key signed the first 6 records of {ORIGIN}"
    assert "records 0, 1, 2, 3, 4 stand among them, at these places, as they are here" in (
        found.proven
    )
    assert "1 timestamps: not checked" in found.not_proven
    assert any("no witness is demanded" in text for text in found.not_proven)
    assert any("only what is here is shown" in text for text in found.not_proven)
    json.dumps(found.as_json(), allow_nan=False)


def test_a_bundle_is_written_in_one_way_only() -> None:
    data = bundle()
    assert reference.canonical(json.loads(data)).encode() + b"\n" == data
    shuffled = make_bundle(
        json.loads(data)["checkpoint"].encode(),
        reversed(parse_bundle(data).entries),
        openings=OPENINGS,
    )
    assert shuffled == data


def test_a_policy_may_demand_witnesses() -> None:
    policy = parse_policy(f"log {NEW.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n".encode())
    found = verify_bundle(bundle(keys=(NEW, WITNESS)), policy)
    assert (found.verdict, found.witnesses) == ("ok", (("w", 7),))
    assert "witness 'w' saw this tree, and none that contradicts it" in found.proven
    assert not any("no witness" in text for text in found.not_proven)
    lacking = verify_bundle(bundle(), policy)
    assert (lacking.verdict, lacking.exit_status) == ("unverifiable", 3)
    assert lacking.problem == "witness 'w' has not cosigned"
    assert lacking.proven == ()


def test_strangers_and_bad_signatures_are_told_apart() -> None:
    assert judge(bundle(), WITNESS).verdict == "unverifiable"
    assert verify_bundle(bundle(), []).verdict == "unverifiable"
    data = bundle()
    text = json.loads(data)["checkpoint"].replace("\n6\n", "\n7\n")
    found = judge(altered(data, "checkpoint", value=text))
    assert (found.verdict, found.exit_status) == ("tampered", 4)
    assert judge(altered(data, "checkpoint", value="hello")).verdict == "unverifiable"


def test_the_old_key_does_not_sign_beyond_its_rotation() -> None:
    found = judge(bundle(keys=(OLD,)), OLD)
    assert (found.verdict, found.exit_status) == ("tampered", 4)
    assert "no key that the log names as in force" in found.problem
    # While the rotation is not shown, nobody can know; the report says that this is open.
    hidden = judge(bundle(keys=(OLD,), indexes=(0, 1, 2)), OLD)
    assert hidden.verdict == "ok"
    assert "that the keys were not changed in a record that is not here" in hidden.not_proven


@pytest.mark.parametrize(
    ("change", "at", "problem"),
    [
        ({"seq": 3}, 2, "record 2: its seq is 3"),
        ({"prev": "f" * 64}, 2, "record 2: its prev is not the hash of the line before"),
        ({"prev": "f" * 64}, 0, "record 0: its prev is not"),
        ({"type": "incident"}, 0, "record 0: not log.created"),
        ({"body": {**BODIES[0][1], "origin": "other"}}, 0, "record 0 is of 'other', the"),
        ({"body": {**BODIES[0][1], "format": "other"}}, 0, "record 0: format"),
        ({"type": "unheard"}, 4, "record 4: unknown type"),
        ({"more": 1}, 4, "record 4: missing or unknown"),
        ({"body": {"vkeys": [OLD.vkey()]}}, 3, "record 3: its body is not exactly"),
        ({"body": {"vkeys": [NEW.vkey()], "note": "x"}}, 3, "record 3: its note cannot be"),
        ({"body": {"run": "r1"}}, 1, "the opening of 'body.by' opens no commitment"),
    ],
)
def test_a_well_signed_log_that_breaks_the_rules_is_tampered(
    change: Json, at: int, problem: str
) -> None:
    found = judge(bundle(lines(change, at)))
    assert (found.verdict, found.exit_status) == ("tampered", 4)
    assert found.problem.startswith(problem)
    assert found.records == ()


def test_a_line_that_is_not_canonical_is_refused_though_its_hash_was_signed() -> None:
    odd = [*LINES[:4], LINES[4].replace(b'"plan":1', b'"plan": 1'), LINES[5]]
    found = judge(bundle(odd))
    assert (found.verdict, found.problem[:10]) == ("tampered", "record 4: ")
    assert "canonical" in found.problem


def test_lines_chain_only_where_neighbours_are_both_there() -> None:
    broken = lines({"prev": "f" * 64}, 4)
    assert judge(bundle(broken, (0, 1, 2, 4), keys=(OLD,)), OLD).verdict == "ok"
    assert judge(bundle(broken)).verdict == "tampered"


@pytest.mark.parametrize(
    "opening",
    [
        {**OPENINGS[0], "value": "Eve"},
        {**OPENINGS[0], "salt": "5b" * 32},
        {**OPENINGS[0], "path": "body.who.0.name"},
        {**OPENINGS[0], "path": "body.other"},
    ],
)
def test_an_opening_opens_what_was_committed_at_its_place_and_nothing_else(opening: Json) -> None:
    found = judge(bundle(openings=[opening]))
    assert (found.verdict, found.exit_status) == ("tampered", 4)


def test_a_commitment_that_was_moved_is_not_opened() -> None:
    moved = lines({"body": {"run": "r1", "elsewhere": BODIES[1][1]["by"]}}, 1)
    assert judge(bundle(moved)).verdict == "tampered"


@pytest.mark.parametrize("bits", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_every_changed_byte_of_a_bundle_is_noticed(bits: int) -> None:
    """One bit of each byte, of three in turn; each of the three."""
    turns = itertools.cycle((1, 32, 128))
    data = bundle(indexes=(0, 3, 4), openings=[])
    for place in range(len(data)):
        for change in itertools.islice(turns, bits):
            mangled = bytearray(data)
            mangled[place] ^= change
            assert judge(bytes(mangled)).exit_status in (3, 4)
        if place % 7 == 0:
            assert judge(data[:place]).exit_status == 3


def test_every_hash_of_a_proof_matters() -> None:
    data = bundle()
    for entry, item in enumerate(json.loads(data)["entries"]):
        hashes = item["hashes"]
        for bad in (hashes[:-1], [*hashes, hashes[0]], hashes[::-1], [*hashes[:-1], hashes[0]]):
            assert judge(altered(data, "entries", entry, "hashes", value=bad)).exit_status == 4
    swapped = altered(data, "entries", 4, "index", value=5)
    assert judge(swapped).problem.startswith("record 5: its hashes do not lead")


MALFORMED: list[tuple[tuple[str | int, ...], object]] = [
    (("format",), "repro-audit bundle v2"),
    (("more",), 1),
    (("checkpoint",), 1),
    (("entries",), {}),
    (("entries",), []),
    (("entries", 0), []),
    (("entries", 0, "index"), 1),
    (("entries", 1, "index"), 0),
    (("entries", 1, "index"), "1"),
    (("entries", 1, "index"), True),
    (("entries", 1, "index"), -1),
    (("entries", 1, "index"), 1.5),
    (("entries", 1, "line"), None),
    (("entries", 1, "extra"), None),
    (("entries", 1, "hashes"), "x"),
    (("entries", 1, "hashes"), [1]),
    (("entries", 1, "hashes"), ["AAAA"]),
    (("entries", 1, "hashes"), [base64.b64encode(bytes(32)).decode()] * 64),
    (("openings",), {}),
    (("openings", 0), []),
    (("openings", 0, "path"), 1),
    (("openings", 0, "salt"), SALT.upper()),
    (("openings", 0, "salt"), SALT[:-2]),
    (("openings", 0, "salt"), "5a " * 32),
    (("openings", 0, "salt"), 1),
    (("openings", 0, "more"), 1),
    (("timestamps",), [""]),
    (("timestamps",), ["A"]),
    (("timestamps",), [1]),
    (("timestamps",), ["AAAA"] * 17),
    (("timestamps",), [base64.b64encode(bytes(65_537)).decode()]),
]


@pytest.mark.parametrize(("path", "value"), MALFORMED)
def test_what_is_no_bundle_proves_nothing(path: tuple[str | int, ...], value: object) -> None:
    data = altered(bundle(), *path, value=value)
    with pytest.raises(BundleError):
        parse_bundle(data)
    found = judge(data)
    assert (found.verdict, found.exit_status) == ("unverifiable", 3)
    assert found.problem.startswith("not a bundle: ")


def test_a_bundle_has_no_other_spelling() -> None:
    data = bundle()
    for other in (data[:-1], data + b"\n", b" " + data, data.replace(b'","', b'", "', 1)):
        assert judge(other).verdict == "unverifiable"
    assert judge(json.dumps(json.loads(data)).encode()).verdict == "unverifiable"


def test_what_could_not_be_read_is_not_written() -> None:
    entry = Entry(0, LINES[0], ())
    for entries, openings in (
        ([], []),
        ([Entry(1, LINES[1], ())], []),
        ([entry, entry], []),
        ([Entry(0, b"\xff", ())], []),
        ([Entry(0, LINES[0], (b"short",))], []),
        ([entry], [{"path": "a", "salt": SALT}]),
        ([entry], [{"path": "a", "salt": SALT, "value": float("nan")}]),
        ([entry], [{"path": "a", "salt": SALT, "value": 2**60}]),
    ):
        with pytest.raises(BundleError):
            make_bundle(b"x", entries, openings=openings)


def test_a_pinned_key_that_was_replaced_leads_to_the_one_in_force() -> None:
    found = judge(bundle(), OLD)
    assert (found.verdict, found.signed_by) == ("ok", (NEW.vkey(),))
    assert found.proven[0].startswith("a key that a trusted one leads to, by the rotations")
    # Not without the rotation, not from a stranger, and not by a note that the old key never saw.
    assert judge(bundle(indexes=(0, 1, 2)), OLD).verdict == "unverifiable"
    assert judge(bundle(), Key(ORIGIN, 9)).verdict == "unverifiable"
    own = f"repro-audit key rotation v1\n{ORIGIN}\nseq 3\nprev {reference.line_hash(LINES[2])}\n"
    own += f"{NEW.vkey()}\n"
    forged = lines({"body": {"vkeys": [NEW.vkey()], "note": f"{own}\n{NEW.line(own)}"}}, 3)
    assert judge(bundle(forged), OLD).verdict == "unverifiable"
    assert judge(bundle(forged)).problem == "record 3: it is not signed by the key in force"


def test_a_cosigner_of_the_log_leads_nowhere() -> None:
    quantum = Key(ORIGIN, 1, 6)
    made = lines({"body": {**BODIES[0][1], "vkeys": [OLD.vkey(), quantum.vkey()]}}, 0)
    assert judge(bundle(made), OLD).verdict == "ok"
    assert judge(bundle(made), quantum).verdict == "unverifiable"


def test_a_bundle_of_a_log_on_disk(
    full: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = full.lines.read_bytes().split(b"\n")[:-1]
    indexes = [0, *(n for n, line in enumerate(made) if b'"run":"r1"' in line)]
    entries = [Entry(n, made[n], tuple(reference.path(n, made))) for n in indexes]
    file = tmp_path / "bundle"
    file.write_bytes(make_bundle(full.checkpoint.read_bytes(), entries))
    assert main(["bundle", str(file), "--vkey", full.vkey.split()[0]]) == 0
    out = capsys.readouterr().out.split("\n")
    assert out[0].startswith("ok: 3 of the first 4 records of repro.log/")
    assert out[1].startswith("record 0: log.created, 2025-01-31T12:00:0")
    assert any(line.startswith("not proven: ") for line in out)
    policy = tmp_path / "policy"
    policy.write_text(f"log {full.vkey.split()[0]}\nquorum none\n")
    assert main(["bundle", str(file), "--policy", str(policy), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["size"]) == ("ok", 4)
    assert [artifact["path"] for _, artifact in found["artifacts"]] == ["RESULTS/model.txt"]
    assert main(["bundle", str(file)]) == 3
    file.write_bytes(file.read_bytes().replace(b"0.05", b"0.06"))
    assert main(["bundle", str(file), "--policy", str(policy)]) == 4
    assert "tampered: record 1: its hashes do not lead" in capsys.readouterr().out
