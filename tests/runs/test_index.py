"""The index: as new as the disk, whatever happens to either, and as right as a plain walk."""

import json
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from repro.errors import IntegrityError, UsageError
from repro.runs import layout
from repro.runs.finding import find, newest_of, relatives, several
from repro.runs.index import RACY, opened
from repro.runs.index_note import Note
from repro.runs.purpose import Purpose
from repro.runs.sealed import all_runs
from repro.runs.variance import Stability
from repro.verbs.comparing.trend import _line
from repro.verbs.sealed.listing import ListCommand, list_runs

from .laid_down import complete, seal

GROUP = {"train_seed": 1, "execution_key": "a", "strict_key": "b", "replicate_key": "c"}


@pytest.fixture
def root(tmp_path):
    """Return a workspace with nine runs."""
    (tmp_path / "CONFIG").mkdir()
    for number in range(1, 10):
        seal(tmp_path, number)
    return tmp_path


def names(root, **asked):
    return [run.run for run in list_runs(ListCommand(root, **asked)).runs]


def test_it_lists_what_a_walk_over_all_runs_finds(root):
    walked = [run.name for run in reversed(all_runs(root))]
    assert names(root) == walked
    page = list_runs(ListCommand(root, limit=4, offset=3))
    assert [run.run for run in page.runs] == walked[3:7]
    assert (page.total, page.matching) == (9, 9)
    first = page.runs[0]
    snapshot = json.loads((first.folder / "snapshot.json").read_text())
    assert first.metrics == snapshot["metrics"]
    assert first.execution_key == snapshot["comparison_group"]["execution_key"]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"family": "ridge"}, lambda n: n % 2 == 1),
        ({"seed": 4}, lambda n: n == 4),
        ({"seed": 10**20}, lambda n: False),
        ({"experiment": "odd"}, lambda n: n % 2 == 1),
        ({"where": ("rmse<0.5", "rmse>=0.2")}, lambda n: 2 <= n < 5),
        ({"where": ("rmse>9",)}, lambda n: False),
        ({"since": "2026-01-05"}, lambda n: n >= 4),
        ({"until": "2026-01-05"}, lambda n: n <= 4),
        ({"since": "2026-01-05T12:00:01Z"}, lambda n: n >= 5),
        ({"family": "lightgbm", "seed": 3}, lambda n: False),
        ({"family": "xgboost"}, lambda n: False),
        ({"level": "portable"}, lambda n: False),
        ({"key": "5"}, lambda n: n == 5),
        ({"key": "*"}, lambda n: False),
        ({"incidents": True}, lambda n: False),
        ({"pinned": True}, lambda n: False),
    ],
)
def test_filters_keep_what_they_say(root, asked, kept):
    expected = [run.name for run in reversed(all_runs(root)) if kept(run.order[0])]
    assert names(root, **asked) == expected
    assert list_runs(ListCommand(root, **asked)).matching == len(expected)


def test_runs_are_sorted_by_columns_and_metrics_and_those_without_a_value_come_last(root):
    seal(root, 10, rmse=None)
    values = [run.metrics["rmse"] for run in list_runs(ListCommand(root, sort="-rmse")).runs]
    assert values == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, None]
    values = [run.metrics["rmse"] for run in list_runs(ListCommand(root, sort="rmse")).runs]
    assert values[0] == 0.1
    assert values[-1] is None
    families = [run.family for run in list_runs(ListCommand(root, sort="family")).runs]
    assert families == sorted(families)
    with pytest.raises(UsageError, match="cannot be sorted by 'nothing'") as caught:
        names(root, sort="nothing")
    assert "rmse" in caught.value.hint


@pytest.mark.parametrize(
    ("sort", "same"),
    [("run", "name"), ("planned", "time"), ("-planned", "-time"), ("value", "rmse")],
)
def test_runs_are_sorted_by_what_stands_at_the_head_of_a_column(root, sort, same):
    assert names(root, sort=sort) == names(root, sort=same)
    assert len(names(root, sort="metric")) == 9


@pytest.mark.parametrize(
    ("sort", "meant"), [("plannd", "planned"), ("-rmsee", "rmse"), ("", None), ("-", None)]
)
def test_a_slip_in_what_runs_are_sorted_by_is_said_with_what_was_meant(root, sort, meant):
    with pytest.raises(UsageError, match="cannot be sorted by") as caught:
        names(root, sort=sort)
    assert caught.value.problem.endswith(f"did you mean {meant}?" if meant else "by ''")


@pytest.mark.parametrize(
    "asked",
    [
        {"where": ("rmse",)},
        {"where": ("1<2",)},
        {"since": "May"},
        {"since": "2026-13-45"},
        {"until": "2026-02-30"},
        {"since": "2026-11-29T99:99"},
        {"until": "2026-11-29T12:00:60Z"},
        {"since": "0000-01-01"},
        {"key": ""},
    ],
)
def test_a_filter_that_is_none_is_refused(root, asked):
    with pytest.raises(UsageError):
        names(root, **asked)


@pytest.mark.parametrize(
    "day", ["2024-02-29", "2026-01-05T23:59", "2026-01-05T00:00:00.123456789Z"]
)
def test_every_day_and_time_that_there_is_is_taken(root, day):
    assert len(names(root, since=day)) + len(names(root, until=day)) >= 9


@pytest.mark.parametrize("settled", [False, True])
def test_a_run_that_comes_or_goes_is_seen(root, settled):
    before = names(root)
    if settled:  # so long ago that the folder's time is believed
        os.utime(layout.runs(root), ns=(0, time.time_ns() - 2 * RACY))
        names(root)
    new = seal(root, 11)
    assert names(root) == [new, *before]
    shutil.rmtree(layout.runs(root) / before[3])
    assert names(root) == [new, *before[:3], *before[4:]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(200)),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_text("not a database"),
        lambda path: sqlite3.connect(path).executescript(
            "UPDATE state SET value = 0; DROP TABLE runs"
        ),
        lambda path: sqlite3.connect(path).executescript("CREATE TABLE x (y); DROP TABLE metrics"),
    ],
)
def test_an_index_that_is_gone_or_damaged_is_made_anew_without_a_word(root, damage):
    before = names(root, sort="rmse")
    damage(layout.index(root))
    assert names(root, sort="rmse") == before


def forge(path, statement):
    """Change the index as somebody would who does not want to be seen."""
    before = path.stat()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
        assert database.total_changes
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM runs WHERE plan IN (3, 9)",
        "DELETE FROM metrics WHERE value > 0.5",
        "UPDATE runs SET plan = 0 WHERE plan = 9",
        "UPDATE runs SET metrics = replace(metrics, '0.', '0.0'), value = value / 10",
        "UPDATE runs SET replicate_key = 'x' || replicate_key WHERE plan = 2",
        "UPDATE runs SET purpose = 'attribution', purpose_of = '[]' WHERE plan = 9",
    ],
)
def test_an_index_that_somebody_forged_is_made_anew(root, statement):
    def seen():
        one = find(root, "@latest")
        kin = [run.name for run in relatives(root, one, "replicate")]
        page = list_runs(ListCommand(root, sort="-rmse"))
        return page, names(root, where=("rmse<0.7",)), one, kin

    os.utime(layout.runs(root), ns=(0, time.time_ns() - 2 * RACY))
    before = seen()
    forge(layout.index(root), statement)
    assert seen() == before


def test_another_file_in_the_place_of_the_index_is_not_believed(root, tmp_path_factory):
    os.utime(layout.runs(root), ns=(0, time.time_ns() - 2 * RACY))
    before, path = names(root), layout.index(root)
    other = tmp_path_factory.mktemp("elsewhere") / "index"
    shutil.copy2(path, other)
    forge(other, "DELETE FROM runs WHERE plan = 9")
    path.unlink()
    path.symlink_to(other)
    assert names(root) == before
    assert not path.is_symlink()


def test_the_index_is_made_anew_where_that_is_asked_for(root):
    before = names(root)
    forge(layout.index(root), "DELETE FROM runs WHERE plan = 9")
    Note(layout.index(root)).write()  # by who writes as this user
    os.utime(layout.runs(root), ns=(0, time.time_ns() - 2 * RACY))
    with closing(sqlite3.connect(layout.index(root))) as database, database:
        moved = layout.runs(root).stat().st_mtime_ns
        database.execute("UPDATE state SET value = ? WHERE key = 'moved'", (moved,))
    Note(layout.index(root)).write()
    assert names(root) == before[1:]
    assert names(root, rebuild=True) == names(root) == before


def test_where_nothing_can_be_noted_the_index_is_not_believed(root, keys):
    before = names(root)
    shutil.rmtree(keys)
    keys.touch()  # no directory can be made there
    forge(layout.index(root), "DELETE FROM runs WHERE plan = 9")
    assert names(root) == before


def test_a_page_of_it_that_is_found_damaged_only_when_it_is_read_is_made_anew_too(root):
    os.utime(layout.runs(root), ns=(0, time.time_ns() - 2 * RACY))
    before = names(root, sort="rmse"), names(root, where=("rmse<0.5",)), find(root, "@latest~2")
    path = layout.index(root)
    good, size = path.read_bytes(), 4096
    assert len(good) > 8 * size
    for start in range(size, len(good), size):  # the first says what it is, and is read at once
        path.write_bytes(good[:start] + b"\xa5" * size + good[start + size :])
        Note(path).write()  # so that nothing but the page itself says that it is damaged
        after = names(root, sort="rmse"), names(root, where=("rmse<0.5",)), find(root, "@latest~2")
        assert after == before, f"page {start // size}"


def test_a_condition_on_a_metric_that_no_run_has_is_refused_with_the_nearest(root):
    with pytest.raises(UsageError, match="no run has the metric 'rmsee'; did you mean rmse"):
        list_runs(ListCommand(root, where=("rmsee<0.5",)))


def test_latest_passes_over_what_an_attribution_trained_which_says_so_itself(root):
    asked = all_runs(root)
    pair = [run.name for run in asked[-2:]]
    made = seal(root, 10, made_for={"kind": "attribution", "runs": pair})
    point = seal(root, 11, made_for={"kind": "sweep"})
    assert find(root, "@latest").name == point  # somebody asked for a sweep
    assert find(root, "@latest~1").name == asked[-1].name
    for far in (10, 10**20):
        with pytest.raises(UsageError, match="10 runs, and 1 more that attributions trained"):
            find(root, f"@latest~{far}")
    listed = {run.run: run.made_for for run in list_runs(ListCommand(root)).runs}
    assert listed[made] == Purpose("attribution", tuple(pair))
    assert listed[made].words == f"attribution of {pair[0]} and {pair[1]}"
    assert (listed[point], listed[pair[0]]) == (Purpose("sweep"), None)
    assert names(root, asked=True) == [point, *(run.name for run in reversed(asked))]


def test_who_names_no_run_is_told_the_newest_that_were_asked_for_and_the_nearest(root):
    asked = [run.name for run in all_runs(root)]
    asked.append(seal(root, 10))
    seal(root, 11, made_for={"kind": "attribution", "runs": asked[:2]})
    asked.append(seal(root, 12))
    with pytest.raises(UsageError) as told:
        find(root, "nosuch")
    assert told.value.problem == "no run is called 'nosuch'"
    assert told.value.hint == f"the newest runs: {', '.join(asked[:-11:-1])}"
    for slip in (asked[3][:-1] + "7", "x" + asked[3][1:], asked[3][:5] + "x"):
        with pytest.raises(UsageError, match="did you mean"):
            find(root, slip)
    with pytest.raises(UsageError, match=f"no run is called .*; did you mean {asked[3]}"):
        find(root, "4000z0000000-1")


def test_latest_passes_over_no_run_whose_purpose_is_not_the_one_that_was_sealed(root):
    newest = all_runs(root)[-1].name
    complete(root, newest)
    (path,) = (layout.runs(root) / newest).rglob("snapshot.json")
    forged = json.loads(path.read_text()) | {"made_for": {"kind": "attribution", "runs": []}}
    path.write_text(json.dumps(forged))
    layout.index(root).unlink(missing_ok=True)
    complete(root, newest)  # which needs no key, and comes too late
    assert find(root, "@latest").name == newest  # whoever judges it refuses it
    with pytest.raises(IntegrityError, match="cannot vouch"):
        names(root, asked=True)


def test_what_leakage_came_to_is_listed(root):
    seal(root, 10, leakage={"verdict": "warned"})
    assert [run.leakage for run in list_runs(ListCommand(root, limit=2)).runs] == ["warned", None]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": "fwdd"}, "no run has the target 'fwdd'.*did you mean fwd"),
        ({"family": "ligthgbm"}, "no run has the family 'ligthgbm'.*did you mean lightgbm"),
        ({"view": "cross"}, "no run has the view 'cross'"),
        ({"level": "stric"}, "no run has the level 'stric'.*did you mean strict"),
        ({"experiment": "ood"}, "no run has the experiment 'ood'.*did you mean odd"),
        ({"target": "fwd", "family": "nope"}, "no run has the family 'nope'"),
    ],
)
def test_a_name_that_neither_a_run_nor_the_workspace_has_is_refused_with_the_nearest(
    root, asked, said
):
    with pytest.raises(UsageError, match=said) as caught:
        names(root, **asked)
    assert "runs have: " in caught.value.hint


def test_an_experiment_of_the_workspace_that_no_run_has_leaves_none(root):
    (root / "CONFIG" / "experiments").mkdir()
    (root / "CONFIG" / "experiments" / "new.yaml").touch()
    assert names(root, experiment="new") == []
    with pytest.raises(UsageError, match="did you mean new"):
        names(root, experiment="neww")


def test_where_it_cannot_be_written_runs_are_listed_all_the_same(root):
    before = names(root)
    path = layout.index(root)
    path.unlink()
    path.mkdir()
    assert names(root) == before


def test_a_snapshot_that_was_touched_since_is_judged_before_it_is_shown(root):
    (one, *_) = names(root)
    (path,) = (layout.runs(root) / one).rglob("snapshot.json")
    path.write_text(path.read_text().replace("0.9", "0.1"))
    with pytest.raises(IntegrityError, match="cannot vouch"):
        names(root)
    path.unlink()
    with pytest.raises(IntegrityError, match="0 snapshots where one was sealed"):
        names(root)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("family", "\x1b]0;x\x07"),
        ("symbol", "\x1b[2J"),
        ("symbol", []),
        ("comparison_group", GROUP | {"data_signature": []}),
        ("level", ["strict"]),
        ("task", "nothing"),
        ("metrics", {"rmse": "0.1"}),
        ("metrics", {"rmse": 1 << 64}),
        ("metrics", {"\x1b[2J": 1.0}),
        ("metrics", []),
        ("leakage", []),
        ("leakage", {"verdict": ["clean"]}),
        ("made_for", "attribution"),
        ("made_for", {"kind": "nothing known"}),
        ("made_for", {"kind": "attribution", "runs": ["\x1b[2J"]}),
        ("comparison_group", {"execution_key": "\n"}),
        ("comparison_group", GROUP | {"train_seed": "one"}),
        ("comparison_group", GROUP | {"train_seed": float("inf")}),
        ("comparison_group", GROUP | {"train_seed": "9" * 90}),
        ("comparison_group", {"train_seed": 1, "execution_key": "a", "strict_key": "b"}),
        ("comparison_group", {name: text for name, text in GROUP.items() if name != "train_seed"}),
        ("leakage", {"findings": 5}),
        ("leakage", {"fixed": [{"subject": 5}]}),
        ("leakage", {"findings": ["leaks"]}),
        ("artifacts", 5),
        ("artifacts", [{"path": "model.txt"}]),
        ("log", {"plan": 1 << 64}),
        ("log", {"plan": 1, "time": []}),
        ("log", {"plan": 1, "time": {"a": 1}}),
        ("log", {"plan": 1, "time": "\x1b[2J"}),
    ],
)
def test_a_snapshot_that_no_run_of_ours_has_is_refused_and_named(root, member, value):
    name = seal(root, 10)
    (path,) = (layout.runs(root) / name).rglob("snapshot.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {member: value}))
    with pytest.raises(IntegrityError, match=f"run {name}: its snapshot says of {member}"):
        names(root)


@pytest.mark.parametrize("log", [[], "here", {"plan": "1"}, {"plan": None}])
def test_a_snapshot_that_has_no_place_in_a_log_is_refused_and_named(root, log):
    name = seal(root, 10)
    (path,) = (layout.runs(root) / name).rglob("snapshot.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"log": log}))
    with pytest.raises(IntegrityError, match=f"run {name}: its snapshot lacks its plan"):
        names(root)


def test_a_snapshot_that_is_not_the_one_that_the_log_names_is_not_listed_by_a_new_index(root):
    (one, *others) = names(root)
    complete(root, one, *others)
    (path,) = (layout.runs(root) / one).rglob("snapshot.json")
    path.write_text(path.read_text().replace("0.9", "0.1"))
    assert len(names(root, offset=1)) == len(others)
    with pytest.raises(IntegrityError, match="cannot vouch"):
        names(root)


def test_a_run_is_listed_as_logged_once_a_line_of_the_log_completes_it(root):
    (one, *_) = names(root)
    assert not any(run.logged for run in list_runs(ListCommand(root)).runs)
    complete(root, one)
    assert [run.run for run in list_runs(ListCommand(root)).runs if run.logged] == [one]
    layout.index(root).unlink()
    assert [run.run for run in list_runs(ListCommand(root)).runs if run.logged] == [one]


def test_many_at_once_see_the_same(root):
    found, expected = [], names(root)
    layout.index(root).unlink()
    threads = [threading.Thread(target=lambda: found.append(names(root))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_runs_are_found_by_name_key_and_place_and_relatives_by_what_they_share(root):
    runs = all_runs(root)
    assert find(root, runs[2].name).name == runs[2].name
    assert find(root, runs[2].group["execution_key"][:20]).name == runs[2].name
    assert find(root, "@latest~3").name == runs[-4].name
    with pytest.raises(UsageError, match="no run is called"):
        find(root, "zzz")
    with pytest.raises(UsageError, match="names 5 runs"):
        find(root, runs[0].group["replicate_key"][:10])
    ridge = [run.name for run in runs if run.snapshot["family"] == "ridge"]
    for mode in ("replicate", "legacy"):
        assert [run.name for run in relatives(root, runs[0], mode)] == ridge
        assert len(several(root, mode)) == 9
    assert several(root, "strict") == ()
    assert newest_of(root, runs[0].group["replicate_key"][:9]).name == ridge[-1]
    assert newest_of(root, "") is None


def test_nothing_is_read_again_of_a_folder_that_nobody_touched(root):
    names(root)
    os.utime(layout.runs(root), ns=(0, time.time_ns() - 2 * RACY))
    names(root)
    (path,) = (layout.runs(root) / names(root)[0]).rglob("snapshot.json")
    path.write_text("no snapshot any more")
    with opened(root) as index:  # which reads none; who shows one looks at it
        assert index.count() == 9


def test_a_trend_tells_a_drift_from_chance_and_its_side():
    rule = Stability("replicate", False, 3, 0.95, 500, 2, 0.1)

    def line(values):
        runs = [
            SimpleNamespace(
                run=f"r{n}", target="t", view="v", symbol=None, family="f", metrics={"rmse": v}
            )
            for n, v in enumerate(values)
        ]
        return _line(runs, "rmse", rule)

    up = line([n / 10 for n in range(12)])
    assert (up.drifts, up.better) == (True, False)
    down = line([-n / 10 for n in range(40)])
    assert (down.drifts, down.better) == (True, True)
    still = line([1.0, 2.0, 1.5, 1.2, 1.9])
    assert (still.drifts, still.better) == (False, None)
    some = line([1.0, None, float("nan"), 2.0, float("inf")])
    assert (some.values, some.left_out) == ((1.0, 2.0), ("r1", "r2", "r4"))
    assert line([None]) is None
