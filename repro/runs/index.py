"""An index of the sealed runs, in SQLite: to find runs and to list them, never as evidence.

It is derived: anybody may delete it, and whoever finds it missing, stale, corrupt, of another
version, or written by anybody else (`index_note`) makes it anew without a word. It is *stale* when
the folder of the runs has been written since it was read (an entry that comes, goes or is renamed
moves the folder's time), when that was less than two seconds before it was read (two changes in one
tick of the clock look like one), or when the log has grown. What was changed inside a sealed run
since then it does not see: what is judged is read from the run itself, and held against the log.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import digest_file
from repro.runs import layout
from repro.runs.entries import Mark, log_size, signed_size, take_in
from repro.runs.index_note import Note
from repro.runs.purpose import ATTRIBUTION, purpose_in
from repro.runs.sealed import Run, load_run
from repro.runs.variance import HEADLINE

RACY = 2_000_000_000
"""Nanoseconds within which two changes may have one time."""
LARGEST = (1 << 63) - 1
"""What the database can hold as a whole number."""
PATIENCE = 5.0
"""Seconds that another process may write for."""
COLUMNS = ("name", "target", "family", "view", "symbol", "level", "seed", "metric", "value", "time")
"""What runs are sorted by, but for their metrics."""
_AS_LOGGED = "(SELECT sealed.snapshot = runs.snapshot FROM sealed WHERE sealed.run = runs.name)"
"""Whether the snapshot is the one that the log completes; NULL if no line of it does."""
ASKED = f"NOT (purpose IS '{ATTRIBUTION}' AND {_AS_LOGGED} IS NOT 0)"
"""What is true of a run whose configuration somebody chose. Of a snapshot that the log contradicts
it is true as well: a run whose purpose was forged is met and judged, not passed over."""
_METRICS = """
WITH RECURSIVE seen (name) AS (
    SELECT (SELECT min(name) FROM metrics)
    UNION ALL SELECT (SELECT min(name) FROM metrics WHERE name > seen.name) FROM seen
    WHERE seen.name IS NOT NULL
) SELECT name FROM seen WHERE name IS NOT NULL
"""
"""Each name once, by jumps through the index: a DISTINCT would walk over every run."""
_COLUMNS = (
    "runs.name, plan, time, target, family, view, symbol, level, experiment, task, seed,"
    " replicate_key, strict_key, execution_key, output_digest, metric, runs.value, leakage,"
    f" purpose, purpose_of, metrics, inner, size, written, {_AS_LOGGED}"
)
_NAMED = {"runs", "metrics", "marks", "sealed", "state"}
_TABLES = """
CREATE TABLE runs (
    name TEXT PRIMARY KEY, plan INTEGER, time TEXT, target TEXT, family TEXT, view TEXT,
    symbol TEXT, level TEXT, experiment TEXT, task TEXT, seed INTEGER, replicate_key TEXT,
    strict_key TEXT, execution_key TEXT, output_digest TEXT, metric TEXT, value REAL,
    leakage TEXT, purpose TEXT, purpose_of TEXT, metrics TEXT, inner TEXT, size INTEGER,
    written INTEGER, snapshot TEXT
) WITHOUT ROWID;
CREATE TABLE metrics (run TEXT, name TEXT, value REAL, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE marks (run TEXT, kind TEXT, detail TEXT, seq INTEGER NOT NULL);
CREATE TABLE sealed (run TEXT PRIMARY KEY, snapshot TEXT) WITHOUT ROWID;
CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE INDEX by_plan ON runs (plan, name);
CREATE INDEX by_replicate ON runs (replicate_key);
CREATE INDEX by_strict ON runs (strict_key);
CREATE INDEX by_execution ON runs (execution_key);
CREATE INDEX by_value ON metrics (name, value);
CREATE INDEX by_mark ON marks (run);
"""


VERSION = zlib.crc32(_TABLES.encode())
"""An index with other tables is made anew."""


class Index:
    """The runs of a workspace, by their columns. Make it with ``opened``."""

    def __init__(self, root: Path, database: sqlite3.Connection) -> None:
        """Take a database that is as new as the disk, and close it with ``close``."""
        self._root = root
        self._database = database
        signed = signed_size(root)
        self.signed = LARGEST if signed is None else min(signed, LARGEST)
        """Records that the checkpoint covers: marks beyond count for nothing, as anybody may have
        appended them. All do where no checkpoint can be read; whoever judges verifies the log."""

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def select(
        self, rest: str, values: Sequence[Any] = (), *, along: str = "runs"
    ) -> list[tuple[Any, ...]]:
        """Return the rows of ``SELECT … FROM runs`` with ``rest`` of the statement behind it.

        ``along`` is what to walk along in place of ``runs``: a join that has it.
        """
        statement = f"SELECT {_COLUMNS} FROM {along} {rest}"  # noqa: S608 (our own text)
        return self._ask(statement, values)

    def count(self, rest: str = "", values: Sequence[Any] = ()) -> int:
        """Return how many runs ``rest`` of the statement leaves."""
        statement = f"SELECT count(*) FROM runs {rest}"  # noqa: S608 (our own text)
        return int(self._ask(statement, values)[0][0])

    def names(self, rest: str = "", values: Sequence[Any] = ()) -> list[str]:
        """Return the names that ``rest`` of the statement leaves, by the place of their plans."""
        statement = f"SELECT name FROM runs {rest} ORDER BY plan, name"  # noqa: S608
        return [name for (name,) in self._ask(statement, values)]

    def metrics(self) -> list[str]:
        """Return the names of all metrics that a run has."""
        return [name for (name,) in self._ask(_METRICS)]

    def texts(self, column: str) -> list[str]:
        """Return what the runs have in a column of text, each once; it looks at every run."""
        statement = f"SELECT DISTINCT {column} FROM runs WHERE {column} IS NOT NULL ORDER BY 1"  # noqa: S608
        return [text for (text,) in self._ask(statement)]

    def marks(self, names: Sequence[str]) -> dict[str, list[Mark]]:
        """Return what the log says of these runs after their end, in order, as far as signed."""
        found: dict[str, list[Mark]] = {}
        for name in names:
            rows = self._ask(
                "SELECT kind, detail, seq FROM marks WHERE run = ? AND seq < ? ORDER BY seq",
                (name, self.signed),
            )
            found[name] = [Mark(*row) for row in rows]
        return found

    def _ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement; of a damaged database, those of one that is made anew.

        To look for damage when it is opened would be to read all of it.
        """
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.DatabaseError:
            self._database.close()
            self._database = _anew(self._root, layout.index(self._root))
        return self._database.execute(statement, values).fetchall()


@contextmanager
def opened(root: Path) -> Iterator[Index]:
    """Give the index of a workspace, as new as the disk; where it cannot be written, in memory."""
    path = layout.index(root)
    try:
        if not layout.runs(root).is_dir():
            raise FileNotFoundError(path)  # asking for what is not there leaves nothing behind
        path.parent.mkdir(parents=True, exist_ok=True)
        database = _fresh(root, path)
    except sqlite3.DatabaseError:  # corrupt, foreign, of another version, or locked for too long
        database = _anew(root, path)
    except OSError:
        database = _in_memory(root)
    with closing(Index(root, database)) as index:
        yield index


def forget(root: Path) -> None:
    """Take the index away: the next that asks makes it anew from the runs and the log."""
    with suppress(OSError):
        layout.index(root).unlink(missing_ok=True)


def _anew(root: Path, path: Path) -> sqlite3.Connection:
    """Return a database that owes nothing to the one at a path."""
    try:
        return _fresh(root, path, anew=True)
    except (sqlite3.DatabaseError, OSError):
        return _in_memory(root)


def _in_memory(root: Path) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    _refresh(root, database)
    return database


def _fresh(root: Path, path: Path, *, anew: bool = False) -> sqlite3.Connection:
    """Return the database at a path, brought up to date; of one that is not ours nothing is left.

    Raises OSError where it cannot be written, or not be noted as ours.
    """
    note = Note(path)
    if not anew and note.holds():
        database = _connected(path)
        if _changed(root, database) is None and note.holds():  # it was not put there meanwhile
            return database
        database.close()
    with note.locked():
        if anew or not note.holds():
            path.unlink(missing_ok=True)
        database = _connected(path)
        try:
            _refresh(root, database)
            note.write()
        except BaseException:
            database.close()
            raise
        return database


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE)
    database.execute("PRAGMA synchronous = OFF")  # it is derived: a lost page is made anew
    return database


def _changed(root: Path, database: sqlite3.Connection) -> tuple[int, int, int] | None:
    """Return what a database is to be brought up to; None if nothing has changed since it was.

    That is the time now, that of the folder of the runs, and the size of the log.
    """
    try:
        state = _state(database)
    except BaseException:
        database.close()
        raise
    base = layout.runs(root)
    now = time.time_ns()
    moved = base.stat().st_mtime_ns if base.is_dir() else 0
    size = log_size(root)
    if state.get("version") == VERSION and state.get("moved") == moved and state.get("log") == size:
        return None
    return now, moved, size


def _refresh(root: Path, database: sqlite3.Connection) -> None:
    """Bring a database up to date: nothing is read where nothing has changed."""
    changed = _changed(root, database)
    if changed is None:
        return
    now, moved, size = changed
    with database:  # one transaction: another process sees all of it or nothing
        database.execute("BEGIN IMMEDIATE")
        if _state(database).get("version") != VERSION:
            for (table,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                database.execute(f'DROP TABLE "{table}"')
            for statement in _TABLES.split(";"):
                database.execute(statement)
        _walk(root, database, layout.runs(root))
        take_in(root, database, int(_state(database).get("log", 0)), size)
        settled = moved if now - moved > RACY else -1
        for key, value in (("version", VERSION), ("moved", settled), ("log", size)):
            database.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, value))


def _state(database: sqlite3.Connection) -> dict[str, int]:
    """Return what was written at the end of the last refresh; nothing if there is none."""
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if {name for (name,) in tables} != _NAMED:
        return {}
    return dict(database.execute("SELECT key, value FROM state").fetchall())


def _walk(root: Path, database: sqlite3.Connection, base: Path) -> None:
    """Add the runs that came, and remove those that went."""
    there = {entry.name for entry in os.scandir(base) if entry.is_dir()} if base.is_dir() else set()
    known = {name for (name,) in database.execute("SELECT name FROM runs")}
    for name in known - there:
        database.execute("DELETE FROM runs WHERE name = ?", (name,))
        database.execute("DELETE FROM metrics WHERE run = ?", (name,))
    for name in sorted(there - known):
        run = load_run(base / name)
        row = _row(run, base)
        database.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        database.executemany(
            "INSERT INTO metrics VALUES (?, ?, ?)",
            [(name, metric, value) for metric, value in run.metrics.items() if value is not None],
        )


def _row(run: Run, base: Path) -> tuple[Any, ...]:
    """Return the columns of one run."""
    snapshot, group = run.snapshot, run.group
    metric = HEADLINE[str(snapshot["task"])]
    purpose = purpose_in(snapshot)
    found = (run.folder / layout.SNAPSHOT).stat()
    return (
        run.name,
        int(snapshot["log"]["plan"]),
        snapshot["log"].get("time"),
        *(snapshot[name] for name in ("target", "family", "view", "symbol", "level")),
        snapshot.get("experiment"),
        snapshot["task"],
        int(group["train_seed"]),
        *(group[f"{name}_key"] for name in ("replicate", "strict", "execution")),
        snapshot["output_digest"],
        metric,
        run.metrics.get(metric),
        run.leakage["verdict"],
        None if purpose is None else purpose.kind,
        None if purpose is None else json.dumps(purpose.runs),
        json.dumps(dict(run.metrics)),
        run.folder.relative_to(base / run.name).as_posix(),
        found.st_size,
        found.st_mtime_ns,
        digest_file(run.folder / layout.SNAPSHOT).blake3,
    )
