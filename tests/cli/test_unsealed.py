"""A run that was refused before its plan has a name that ``runs show`` knows."""

import gzip


def test_a_refused_run_is_shown_by_the_name_that_it_is_listed_with(desk):
    (panel,) = desk.root.glob("data/*.gz")
    panel.rename(desk.root / "away")
    desk.run("train", "-q", status=3)
    (listed,) = desk.json("runs", "unsealed")["runs"]
    assert (listed["run"], listed["state"]) == (None, "refused")
    name = listed["name"]
    assert name == f"refused-{listed['record']}"
    assert desk.run("runs", "unsealed").stdout.splitlines()[1].startswith(f"{name}  ")
    shown = desk.run("runs", "show", name).stdout
    assert shown.startswith(f"run {name}: lightgbm for fwd_ret_5d: refused; nothing is sealed")
    assert listed["reason"] in shown
    assert desk.json("runs", "show", name)["runs"] == [listed]


def test_a_name_of_no_refused_run_is_said_with_those_that_are(desk):
    said = desk.run("runs", "show", "refused-9", status=2).stderr
    assert "no refused run is called 'refused-9'" in said
    assert "hint" not in said
    (panel,) = desk.root.glob("data/*.gz")
    panel.rename(desk.root / "away")
    desk.run("train", "-q", status=3)
    name = desk.json("runs", "unsealed")["runs"][0]["name"]
    assert f"the newest: {name}" in desk.run("runs", "show", "refused-99", status=2).stderr


def test_a_reason_of_several_lines_is_one_line_of_the_table_and_whole_where_it_is_shown(desk):
    (panel,) = desk.root.glob("data/*.gz")
    lines = gzip.decompress(panel.read_bytes()).splitlines(keepends=True)
    panel.write_bytes(gzip.compress(b"".join([*lines[:-3], *(line * 2 for line in lines[-3:])])))
    desk.run("train", "-q", status=3)
    (listed,) = desk.json("runs", "unsealed")["runs"]
    assert listed["reason"].count("\n") > 0
    reason = " ".join(listed["reason"].split())
    assert len(reason) > 80
    _, row, said = desk.run("runs", "unsealed").stdout.splitlines()
    assert row.endswith("…")
    assert "\\n" not in row
    assert reason.startswith(row.partition("refused  ")[2].removesuffix("…"))
    assert said == "repro runs show RUN has all of a reason"
    assert reason in desk.run("runs", "show", listed["name"]).stdout
