"""`repro identity`: the keys of what would be trained are those of the run that is then trained."""

import rfc8785
from blake3 import blake3

QUICK = ("--family", "ridge", "--profile", "debug")


def derived(context, document):
    """Return a digest by another implementation of canonical JSON."""
    return blake3(rfc8785.dumps(document), derive_key_context=context).hexdigest()


def test_the_keys_are_those_of_the_run_and_nothing_is_recorded(desk):
    before = desk.records()
    told = desk.json("identity", "-q", *QUICK, "--seed", "7")
    assert desk.records() == before
    assert not (desk.root / "RESULTS" / "runs").exists()
    run = desk.json("train", "-q", *QUICK, "--seed", "7")
    assert told["comparison_group"] == run["comparison_group"]
    assert (told["family"], told["level"], told["symbol"]) == ("ridge", "strict", None)
    assert "parts" not in told
    assert "sealed" not in told


def test_every_signature_and_the_execution_key_can_be_computed_from_what_is_explained(desk):
    told = desk.json("identity", "-q", *QUICK, "alpha=2.5", "--explain")
    group = told["comparison_group"]
    for part in told["parts"]:
        assert derived(part["context"], part["payload"]) == part["signature"], part["name"]
    *components, execution = told["parts"]
    assert execution["signature"] == group["execution_key"]
    assert execution["payload"]["strict_key"] == group["strict_key"]
    assert {part["signature"] for part in components} <= set(group.values())
    by_name = {part["name"]: part for part in components}
    (alpha,) = (o for o in by_name["hyperparameters"]["origins"] if o["path"].endswith(".alpha"))
    assert (alpha["value"], alpha["layer"]) == (2.5, "--set")
    (horizon,) = (o for o in by_name["target"]["origins"] if o["path"].endswith(".horizon"))
    file, line, _ = horizon["place"].split(":")
    text = (desk.root / file).read_text().splitlines()[int(line) - 1]
    assert text.split("#")[0].split() == ["horizon:", str(horizon["value"])]


def test_every_value_of_a_payload_says_where_it_was_decided(desk):
    for part in desk.json("identity", "-q", *QUICK, "--explain")["parts"][:-1]:
        said = [origin["path"].rpartition(name)[1] for name in part["payload"]["config"]
                for origin in part["origins"] if origin["path"].endswith(name)]  # fmt: skip
        assert set(said) == set(part["payload"]["config"]), part["name"]


def test_a_run_that_is_sealed_is_named_and_none_is_exit_status_1(desk):
    none = desk.json("identity", "-q", *QUICK, "--cached", status=1)
    assert none["sealed"] is None
    run = desk.json("train", "-q", *QUICK)["run"]
    assert desk.json("identity", "-q", *QUICK, "--cached")["sealed"] == run
    assert f"sealed as {run}" in desk.run("identity", "-q", *QUICK, "--cached").stdout
    other = desk.run("identity", "-q", *QUICK, "--seed", "8", "--cached", status=1).stdout
    assert "no sealed run has this execution key" in other
    best = desk.json("identity", "-q", *QUICK, "--level", "best-effort", "--cached", status=1)
    assert best["sealed"] is None


def test_a_sealed_run_that_was_changed_is_an_error_and_so_are_data_that_are_not_there(desk):
    run = desk.json("train", "-q", *QUICK)["run"]
    (metrics,) = (desk.root / "RESULTS" / "runs" / run).rglob("metrics.json")
    metrics.write_text(metrics.read_text() + " ")
    assert run in desk.run("identity", "-q", *QUICK, "--cached", status=4).stderr
    assert desk.json("identity", "-q", *QUICK)["family"] == "ridge"
    (desk.root / "data" / "stocks.csv.gz").unlink()
    assert "stocks.csv.gz" in desk.run("identity", "-q", *QUICK, status=3).stderr
