"""Records, documents of a run and JSON on stdout, made by the real commands, against their schemas.

One workspace is made for all of them: runs that end well, badly and early, a torn log, a run whose
notary died, and a copy of it all with which somebody has tampered.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.record import ENDS, TYPES, Record, Tool, encode, format_time
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage import erasing, hold, running
from repro.audit_log.storage.creation import local_actor
from repro.audit_log.storage.store import Log, utc_now
from repro.audit_log.verification.faults import EXIT
from repro.config.documents import catalog
from repro.facts.trainers import declarations
from repro.pipeline.metric_names import BINARY_METRICS, MULTICLASS_METRICS, REGRESSION_METRICS
from repro.pipeline.summary import QUANTILES
from repro.runs.finding import find
from repro.verbs.comparing.compare import MEANING
from repro.verbs.comparing.reexecute import verify_run
from repro.verbs.data import comparison
from repro.verbs.observer import Observer

# One worker makes the workspace once for all of them (`--dist loadgroup`).
pytestmark = pytest.mark.xdist_group("schemas")

COMMON, ENVELOPE, ERROR = "repro:records/common", "repro:records/envelope", "repro:output/error"
SCHEMAS: dict[str, dict[str, Any]] = {
    f"repro:{folder}/{path.name.removesuffix('.schema.json')}": json.loads(path.read_text("utf-8"))
    for folder in ("config", "output", "records")
    for path in files("repro.schemas").joinpath(folder).iterdir()
}
OURS = sorted(name for name in SCHEMAS if not name.startswith("repro:config/"))
WHOLE = [name for name in OURS if not name.endswith("/common")]
"""The schemas of documents; the others hold definitions that these share."""
REGISTRY: Any = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
COMMANDS = {
    "repro:output/" + "-".join(words): " ".join(words)
    for words in (
        ("init",),
        ("validate",),
        ("identity",),
        ("train",),
        ("train", "replicates"),
        ("train", "experiment"),
        ("sweep",),
        ("stability",),
        ("rank",),
        ("select",),
        ("diff",),
        ("diff", "attribute"),
        ("verify",),
        ("doctor",),
        ("lint",),
        ("exec",),
        ("config", "show"),
        ("config", "explain"),
        ("config", "diff"),
        ("config", "schema"),
        ("data", "fingerprint"),
        ("data", "describe"),
        ("data", "diff"),
        ("runs", "list"),
        ("runs", "show"),
        ("runs", "unsealed"),
        ("runs", "commands"),
        ("runs", "pins"),
        ("runs", "push"),
        ("runs", "pull"),
        ("runs", "pulled"),
        ("trend",),
        ("trainers", "list"),
        ("trainers", "show"),
        ("trainers", "check"),
        ("config", "migrate"),
        ("config", "rollback"),
        ("audit", "verify"),
        ("audit", "show"),
        ("audit", "tail"),
        ("audit", "prove"),
        ("audit", "checkpoint"),
        ("audit", "export"),
        ("audit", "publish"),
        ("audit", "timestamp"),
        ("audit", "key"),
        ("audit", "witness"),
        ("audit", "witness", "ask"),
        ("audit", "witness", "logs"),
        ("audit", "hold"),
        ("audit", "erase"),
        ("audit", "seal"),
        ("audit", "retain"),
        ("audit", "prune"),
    )
}
RUN_FILES = (
    *(
        "config",
        "dataset",
        "environment",
        "importance",
        "metrics",
        "model_parts",
        "request",
        "snapshot",
    ),
)
SUSPICIOUS = "safety.leakage_detection.auto_fix_thresholds.training_accuracy=0.0001"
SEVERAL = """experiment:
  description: One symbol that has too few rows, and all of them together, of the best target.
  targets: [fwd_ret_5d, fwd_ret_1d]
  rank_targets: true
  select_features: true
  views: [cross_sectional, symbol_specific]
  symbols: [FB]
  profile: debug
overrides:
  feature_selection: {target_ranking: {target_ranking: {top_targets: 1}}}
"""
RANKED = (
    *("--set", "target_ranking.targets=[fwd_ret_1d, fwd_up_5d]"),
    *("--set", "feature_selection.method=importance", "--set", "top_k=3"),
    *("--set", "model_config.lightgbm.hyperparameters.num_iterations=10"),
    *("--set", "splits.method=k_fold", "--set", "shuffled=true"),
    *("--set", "splits.folds=8", "--set", "embargo=0"),
)
"""One target, whose features a family chooses that is not trained, in folds that a seed draws, and
one that does not fit."""
KEPT_ON_WARNING = "safety.leakage_detection.policy=warn"
GONE = "000000000000-1"
"""A run whose notary has died."""


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema, which knows all others."""
    return Draft202012Validator(SCHEMAS[name], registry=REGISTRY)


def faults(name: str, value: Any) -> list[str]:
    """Return what a schema finds wrong, with where."""
    return [f"{e.json_path}: {e.message[:300]}" for e in validator(name).iter_errors(value)]


def one_document(text: str) -> Any:
    """Return the one JSON document that is all of a text; NaN and infinities are none."""

    def refused(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    assert text.endswith("}\n")
    return json.loads(text, parse_constant=refused)


# --- the workspace -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What a command left: its status, and what it wrote where."""

    status: int
    out: str
    err: str


@dataclass
class World:
    """Everything that the commands made."""

    root: Path
    environment: dict[str, str]
    here: Callable[..., Any]
    """What runs a command in this process."""
    results: dict[str, Said] = field(default_factory=dict)
    """What came out, by name of the scene."""
    meetings: dict[str, list[tuple[Any, tuple[Any, ...], Any]]] = field(default_factory=dict)
    """What ``met`` found, by schema."""
    others: list[World] = field(default_factory=list)
    """Workspaces whose records count too."""

    def start(self, words: str) -> subprocess.Popen[str]:
        """Start a command in the workspace, in a process that can be stopped."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "repro", *command_of(words)],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def play(self, scene: str, words: str, *more: str) -> None:
        """Run a command in this process and keep what it left."""
        said = self.here(command_of(words, *more), self.root, self.environment)
        self.results[scene] = Said(said.returncode, said.stdout, said.stderr)

    def play_apart(self, scene: str, words: str) -> None:
        """Run a command in a process of its own and keep what it left."""
        with self.start(words) as process:
            out, err = process.communicate()
        self.results[scene] = Said(process.returncode, out, err)

    def document(self, scene: str) -> Any:
        """Return the JSON that a scene printed."""
        said = self.results[scene]
        return one_document(said.out)

    def run(self, scene: str) -> str:
        """Return the name of the run that a scene trained, or the one of its experiment."""
        found = self.document(scene)
        if "runs" in found:
            (found,) = found["runs"]
        assert "run" in found, self.results[scene]
        name: str = found["run"]
        return name

    def records(self) -> list[Any]:
        """Return every record of the log that was not pruned, and those of the other logs."""
        log = self.root / "AUDIT_LOG"
        files = [*sorted((log / "segments").glob("*.jsonl")), log / "log.jsonl"]
        lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
        found = [json.loads(line) for line in lines]
        return found + [record for other in self.others for record in other.records()]

    def run_files(self) -> Iterator[tuple[str, Any]]:
        """Yield the schema and the content of each JSON file of each sealed run."""
        for path in sorted((self.root / "RESULTS" / "runs").rglob("*.json")):
            yield f"repro:output/{path.stem}", json.loads(path.read_text("utf-8"))

    @cached_property
    def everything(self) -> dict[str, list[Any]]:
        """All that was made when everything has happened, by the schema that it is to fit."""
        found: dict[str, list[Any]] = {ENVELOPE: self.records()}
        for record in found[ENVELOPE]:
            found.setdefault(f"repro:records/{record['type']}", []).append(record["body"])
        spoken = [self.document(scene) for scene in self.results]
        for path in self.root.parent.glob("store/runs/*/*.json"):
            found.setdefault("repro:output/manifest", []).append(json.loads(path.read_bytes()))
        for name, value in [*self.run_files(), *((schema_of(value), value) for value in spoken)]:
            found.setdefault(name, []).append(value)
        return found

    def instances(self, name: str) -> list[Any]:
        """Return everything that was made and is to fit a schema."""
        return self.everything.get(name, [])


def command_of(words: str, *more: str) -> list[str]:
    """Return the arguments of a command that answers in JSON; what follows ``--`` stays last."""
    ours, dashes, theirs = words.partition(" -- ")
    return [*ours.split(), *more, "--format", "json", *dashes.split(), *theirs.split()]


def schema_of(document: Any) -> str:
    """Return the schema that a command's JSON is to fit."""
    return ERROR if "error" in document else "repro:output/" + document["command"].replace(" ", "-")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, in_this_process: Callable[..., Any]) -> World:
    """Return a workspace in which everything has happened once."""
    base = tmp_path_factory.mktemp("schemas")
    variables = os.environ | {"REPRO_KEYS": str(base / "keys"), "GIT_CONFIG_GLOBAL": os.devnull}
    made = World(base / "workspace", variables, in_this_process)
    made.root.mkdir()
    made.play("init", "init")
    made.play("init again", "init --add-missing")
    splits = made.root / "CONFIG" / "training_config" / "splits_config.yaml"
    splits.write_text(splits.read_text("utf-8").replace("folds: 5", "folds: 2"), "utf-8")
    with (made.root / "AUDIT_LOG" / "log.jsonl").open("ab") as log:
        log.write(b'{"actor":{"ho')  # as after a power cut
    train_twice_and_verify(made)
    train_others(made)
    look_at_the_data(made)
    verify_with_other_data(made)
    run_commands(made)
    leave_a_plan(made, base / "keys")
    refuse(made)
    ask(made)
    contradict(made, base / "keys")
    decide(made, base / "keys")
    read_the_log(made)
    made.play("audit", "audit verify --artifacts")
    tamper(made, base / "tampered")
    act(made, base / "second", base / "witness")
    write_configuration(made)
    return made


def write_configuration(made: World) -> None:
    """Move what lies in older places, of which one cannot be moved; write back what a run had."""
    config = made.root / "CONFIG"
    (config / "core").mkdir()
    (config / "training").mkdir()
    shutil.copy(config / "training_config" / "splits_config.yaml", config / "training")
    with (config / "training" / "splits_config.yaml").open("a") as old:
        old.write("# another\n")
    (config / "identity_config.yaml").rename(config / "core" / "identity_config.yaml")
    made.play("old places", "config migrate --check")
    made.play("migrate", "config migrate --yes")
    shutil.rmtree(config / "training")
    made.play("rollback", "config rollback --yes", made.run("train"))


def train_twice_and_verify(made: World) -> None:
    """Train, train the same again, and do it once more from what was sealed."""
    made.play("train", "train --profile debug -q")
    made.play("train again", "train --profile debug -q")
    made.play("verify", "verify -q --variation umask", made.run("train"))


def verify_with_other_data(made: World) -> None:
    """Verify a run while one price is another, or becomes so in the second round, or none is."""
    panel = made.root / "data" / "stocks.csv.gz"
    was = panel.read_bytes()
    rows = gzip.decompress(was).split(b"\n")
    rows[1000] += b"1"
    panel.write_bytes(gzip.compress(b"\n".join(rows)))
    made.play("verify other data", "verify -q", made.run("train"))
    other = panel.read_bytes()
    panel.write_bytes(was)

    def change(stage: str) -> None:
        if stage.startswith("preparing") and stage.endswith("round 2 of 2"):
            panel.write_bytes(other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_KEYS", made.environment["REPRO_KEYS"])
        run = find(made.root, made.run("train"))
        verify_run(made.root, run, Observer(stage=change), rounds=2)
    panel.write_bytes(was[:1000])
    made.play("verify no data", "verify -q", made.run("train"))
    panel.write_bytes(was)


def train_others(made: World) -> None:
    """Train with another seed, then another target and a finding, then what fails and what stops.

    The first two are in a repository of git, if there is a git.
    """
    if git := shutil.which("git"):
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        commit = ("commit", "-q", "--allow-empty", "-m", "start")
        for words in (("init", "-q"), (*who, *commit)):
            subprocess.run([git, *words], cwd=made.root, env=made.environment, check=True)
    made.play("other seed", "train --profile debug -q --seed 7 --set input_sha256=true")
    others = ("--set", "learning_rate=0.05", "--set", SUSPICIOUS, "--set", KEPT_ON_WARNING)
    others += ("--set", "early_stopping_round=5")
    others += ("--set", "splits.method=grouped", "--set", "time_blocks=2")
    made.play("replicates", "train --replicates 3 --profile debug -q")
    made.play("stability", "stability @latest")
    made.play("all stabilities", "stability")
    short = ("--set", "min_rows_per_symbol=500", "--set", "short_symbols=drop")
    made.play("dropped", "train -q --experiment leakage_canary --set policy=drop", *short)
    made.play("attributed", f"diff {made.run('train')} {made.run('other seed')} --attribute")
    made.play("features differ", "diff", made.run("train"), made.run("dropped"))
    several = made.root / "CONFIG" / "experiments" / "several.yaml"
    several.write_text(SEVERAL, "utf-8")
    made.play("experiment", "train -q --experiment several")
    several.unlink()
    both = ("n_estimators=5", "target=fwd_ret_5d,fwd_up_5d", "--metric", "rmse")
    made.play("sweep without", "sweep -q --profile debug --family lightgbm", *both)
    made.play("sweep", "sweep -q --profile debug --family ridge symbol=IBM,FB seed=1,2")
    made.play("pin", "runs pin base @latest")
    made.play("unpin", "runs unpin base")
    made.play("pin again", "runs pin base @latest~1")
    made.play("pins", "runs pins")
    made.play("trend", "trend")
    made.play("other target", "train --profile debug -q --target fwd_class_5d", *others)
    made.play("failed", "train --profile debug -q --set", SUSPICIOUS)
    made.play("rank", "rank --profile debug -q --family logistic_regression", *RANKED)
    made.play("select", "select --profile debug -q")
    interrupt(made)


def look_at_the_data(made: World) -> None:
    """Digest and describe the data, and compare: with the same, and with a part of them."""
    made.play("data", "data fingerprint -q")
    made.play("data described", "data describe -q")
    (made.root / "before.json").write_text(made.results["data"].out, "utf-8")
    made.play("data same", "data diff -q before.json before.json")
    plain = gzip.decompress((made.root / "data" / "stocks.csv.gz").read_bytes())
    (made.root / "data" / "plain.csv").write_bytes(plain)
    fewer = ("--set", "dataset.files=[data/plain.csv]", "--set", "dataset.symbols=[IBM, AAPL]")
    made.play("data other", "data diff -q today before.json", *fewer)


def run_commands(made: World) -> None:
    """Run commands that go well, that give other bits, that are hidden, stopped, and not there."""
    for name, script in {
        "well": "echo > beside; mkdir tree; cp CONFIG/identity_config.yaml tree; date +%N > out",
        "other": "date +%N > free; cat",
        "stop": "kill -TERM $PPID; sleep 60",
    }.items():
        (made.root / f"{name}.sh").write_text(script + "\n", "utf-8")
    made.play("exec", "exec -q -i CONFIG/data -o tree -o out --list-undeclared -- sh well.sh")
    made.play("exec late", "exec --timeout 0.01 -o never -- sleep 60")
    made.play("exec hidden", "exec --hide-arguments --level best-effort -- false secret")
    made.play("exec bits", "exec -o free -- sh other.sh")
    made.play("exec other bits", "exec --sha256 -o free -- sh other.sh")
    made.play_apart("exec stopped", "exec -- sh stop.sh")
    made.play("exec nothing", "exec -- nothing-is-called-so")


def interrupt(made: World) -> None:
    """Start what would take long, and stop it as soon as it says that it trains."""
    with made.start("train --set n_estimators=1000000") as process:
        assert process.stderr
        assert process.stdout
        err = ""
        for line in process.stderr:
            err += line
            if line.startswith("repro: training"):
                process.send_signal(signal.SIGINT)
        out = process.stdout.read()
    made.results["interrupted"] = Said(process.returncode, out, err)


def leave_a_plan(made: World, keys: Path) -> None:
    """Write plans that nobody is carrying out: the next command finds them."""
    directory = made.root / "AUDIT_LOG"
    log = Log.open(directory, actor=local_actor(), tool=Tool("test", "1"), keys=KeyStore(keys))
    for type_, name in (("run.planned", GONE), ("command.planned", f"command-{GONE}")):
        body = next(r["body"] for r in made.records() if r["type"] == type_)
        log.append(type_, body | {"run": name})
        (directory / "running" / f"{name}.lock").touch()


def contradict(made: World, keys: Path) -> None:
    """Log a run of other bits under a known execution key, as a broken library makes one; train."""
    first = made.document("train")["comparison_group"]["execution_key"]
    planned = next(
        r["body"]
        for r in made.records()
        if r["type"] == "run.planned" and r["body"]["comparison_group"]["execution_key"] == first
    )
    completed = next(
        r["body"]
        for r in made.records()
        if r["type"] == "run.completed" and r["body"]["execution_key"] == first
    )
    name = f"{first[:12]}-99"
    directory = made.root / "AUDIT_LOG"
    log = Log.open(directory, actor=local_actor(), tool=Tool("test", "1"), keys=KeyStore(keys))
    plan = log.append("run.planned", planned | {"run": name}).seq
    log.append("run.completed", completed | {"run": name, "plan": plan, "output_digest": "0" * 64})
    log.commit()
    made.play("incident", "train --profile debug -q")


def decide(made: World, keys: Path) -> None:
    """Approve, hold and erase; write one record as another writer may, its actor in plain."""
    directory = made.root / "AUDIT_LOG"
    log = Log.open(directory, actor=local_actor(), tool=Tool("test", "1"), keys=KeyStore(keys))
    run = made.run("train")
    said = {"subject": "run", "run": run, "statement": Redactable("fit for use"), "by": "ada"}
    seq = log.append("approval", said).seq
    log.append(
        "approval",
        {"subject": "retention", "segment": 0, "keep_until": "2036-01-31", "policy": "ten years"},
    )
    hold.place(log, "case 7", "a letter from the court")
    hold.lift(log, "case 7", "the case is closed")
    erasing.erase(log, erasing.commitments_of(directory, seq=seq, path="body.statement"), "asked")
    head = log.head()
    body = {"subject": "run", "run": run, "statement": "seen", "by": "grace"}
    now = format_time(utc_now())
    other = Record(head.size, now, "approval", local_actor(), Tool("other", "1"), "0" * 32,
                   head.hash, body)  # fmt: skip
    with (directory / "log.jsonl").open("ab") as lines:
        lines.write(encode(other) + b"\n")
    log.commit()


def refuse(made: World) -> None:
    """Ask for what cannot be done, from a slip of the finger to data that are not there."""
    made.play("unknown key", "train --set hyperparameters.nope=3")
    made.play("invalid", "validate --set hyperparameters.nope=3")
    made.play("no run", "runs show nope")
    made.play("usage", "diff")
    made.play("no file", "audit verify --checkpoint nowhere")
    data = made.root / "data" / "stocks.csv.gz"
    data.rename(data.with_suffix(".away"))
    made.play("refused", "train --profile debug -q")
    data.with_suffix(".away").rename(data)


def ask(made: World) -> None:
    """Ask everything that only reads."""
    made.play("validate", "validate")
    made.play("validate paths", "validate CONFIG/data CONFIG/identity_config.yaml")
    script = made.root / "script.py"
    allowed = "  # repro: allow hardcoded-seed until 2999-12-31: the example of a waiver"
    script.write_text(f"learning_rate = 0.1\nseed = 7{allowed}\n", "utf-8")
    made.play("lint", "lint script.py")
    made.play("lint rules", "lint --rules")
    made.play("config", "config show --origin --profile debug")
    made.play("config part", "config show splits")
    made.play("explain", "config explain n_estimators --profile debug")
    made.play("explain forced", "config explain deterministic")
    made.play("explain section", "config explain splits", "--run", made.run("train"))
    made.play("config same", "config diff --profile debug today", made.run("train"))
    made.play("config other", "config diff today variant:conservative", "folds=3")
    made.play("config schema", "config schema splits_config")
    made.play("config write", "config schema --write")
    made.play("runs list", "runs list")
    made.play("runs commands", "runs commands")
    made.play("runs unsealed", "runs unsealed")
    made.play("runs show", "runs show", made.run("train"))
    made.play("trainers list", "trainers list")
    made.play("trainers show", "trainers show lightgbm")
    made.play("trainers check", "trainers check ridge --only aliases --only early-stopping -q")
    made.play("same", "diff", made.run("train"), made.run("train again"))
    made.play("seed", "diff", made.run("train"), made.run("other seed"))
    made.play("target", "diff", made.run("train"), made.run("other target"))


def read_the_log(made: World) -> None:
    """Ask for everything that can be had of the log; write what is handed out beside it."""
    (made.root / "old").write_bytes((made.root / "AUDIT_LOG" / "checkpoint").read_bytes())
    made.play("doctor", "doctor --against", made.run("train"))
    made.play("identity", "identity --explain --cached -q --profile debug --seed 77")
    made.play("audit show", "audit show", made.run("train"))
    made.play("audit show type", "audit show --type approval")
    made.play("audit tail", "audit tail -n 100")
    made.play("audit prove", "audit prove", made.run("train"))
    made.play("audit prove on", "audit prove --consistency old")
    made.play("audit checkpoint", "audit checkpoint --sign")
    made.play("audit export", "audit export --with-openings", made.run("train"))
    made.play("audit timestamp", "audit timestamp --request stamp.tsq")


def tamper(made: World, there: Path) -> None:
    """Change one digit in a copy of the log, one in a copy of a run, and take a checkpoint away."""
    shutil.copytree(made.root, there)
    copy = World(there, made.environment, made.here, made.results)
    log = there / "AUDIT_LOG" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"plan":', b'"plan":1', 1))
    copy.play("tampered log", "audit verify")
    run = made.run("train")
    metrics = next((there / "RESULTS" / "runs" / run).rglob("metrics.json"))
    metrics.write_text(metrics.read_text("utf-8").replace("0.", "1.", 1), "utf-8")
    copy.play("tampered run", "diff", run)
    copy.play("tampered config", "config diff today", run)
    (there / "AUDIT_LOG" / "checkpoint").unlink()
    copy.play("no checkpoint", "train --profile debug -q")


def act(made: World, there: Path, house: Path) -> None:
    """Do in a second log what replaces keys and removes records; be a witness and ask one."""
    there.mkdir()
    second = World(there, made.environment, made.here, made.results)
    made.others.append(second)
    log = there / "AUDIT_LOG"
    second.play("second init", "init")
    routing = there / "CONFIG" / "training_config" / "routing_config.yaml"
    routing.write_text(routing.read_text("utf-8").partition("\n")[2], "utf-8")
    second.play("config lines", "config schema --write --lines")
    second.play("hold", "audit hold place case-7 --reason", "a letter from the court")
    second.play("lift", "audit hold lift case-7 --reason", "the case is closed")
    second.play("seal", "audit seal --keep-until 2020-01-31 --policy", "as long as needed")
    second.play("rotate", "audit key rotate")
    second.play("key", "audit key show")
    second.play("key file", "audit key show -o", str(there.parent / "trusted.vkey"))
    second.play("seal again", "audit seal --keep-until 2036-01-31 --policy", "ten years")
    second.play("retain", "audit retain 1 --keep-until 2037-01-31 --policy", "eleven years")
    second.play("prune", "audit prune 0 --yes --reason", "its time is over")
    second.play("publish", "audit publish", str(there.parent / "published"))
    store, keys = str(there.parent / "store"), str(made.root / "AUDIT_LOG" / "log.vkey")
    made.play("push", "runs push", made.run("train"), store)
    second.play("pull", "runs pull", made.run("train"), store, "--vkey", keys)
    second.play("pulled", "runs pulled")
    second.play("witness", "audit witness new", str(house), "witness.example/w1")
    second.play("trust", "audit witness trust", str(house), str(log / "log.vkey"))
    serve = [sys.executable, "-P", "-m", "repro", "audit", "witness", "serve", str(house)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        second.play("add", "audit witness add w1", str(house / "witness.vkey"), url)
        second.play("ask", "audit witness ask")
        process.terminate()
    second.play("ask nobody", "audit witness ask")
    actor = local_actor().user
    second.play("erase", "audit erase --yes --user", actor, "--reason", "asked")


# --- the schemas themselves ----------------------------------------------------------------------


def rules(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema, itself first."""
    yield rule
    below: list[Any] = [rule.get("items"), rule.get("additionalProperties")]
    for word in ("anyOf", "oneOf"):
        below += rule.get(word, [])
    for word in ("properties", "patternProperties", "$defs"):
        below += rule.get(word, {}).values()
    for part in below:
        if isinstance(part, dict):
            yield from rules(part)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one_and_named_as_its_file(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == name
    assert SCHEMAS[name]["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert SCHEMAS[name]["title"]
    assert SCHEMAS[name]["description"]


@pytest.mark.parametrize("family", sorted(declarations()))
def test_what_a_trainer_declares_makes_schemas(family):
    Draft202012Validator.check_schema(catalog.model_schema(declarations()[family]))
    Draft202012Validator.check_schema(catalog.schema_of("optimizer_config", declarations()))


@pytest.mark.parametrize("name", OURS)
def test_every_property_is_described(name):
    for rule in rules(SCHEMAS[name]):
        for key, child in rule.get("properties", {}).items():
            assert child.get("description", "").endswith("."), key


@pytest.mark.parametrize("name", OURS)
def test_every_object_is_closed(name):
    body = SCHEMAS[ENVELOPE]["properties"]["body"]
    for rule in rules(SCHEMAS[name]):
        if rule.get("type") == "object" and rule is not body:
            closed = rule.get("additionalProperties") is False or rule.get("maxProperties") == 0
            assert closed or "properties" not in rule, rule
            assert closed or rule["additionalProperties"], rule


@pytest.mark.parametrize("name", OURS)
def test_every_reference_leads_somewhere(name):
    for rule in rules(SCHEMAS[name]):
        if "$ref" in rule:
            assert REGISTRY.resolver().lookup(rule["$ref"]).contents


def test_every_shared_definition_is_used():
    shared = {f"{n}#/$defs/{d}" for n in set(OURS) - set(WHOLE) for d in SCHEMAS[n]["$defs"]}
    assert shared <= {r["$ref"] for n in OURS for r in rules(SCHEMAS[n]) if "$ref" in r}


def test_the_words_in_schemas_are_those_of_the_code():
    shared = SCHEMAS[COMMON]["$defs"]
    said = [list(branch["properties"]) for branch in shared["metrics"]["oneOf"]]
    tasks = (REGRESSION_METRICS, BINARY_METRICS, MULTICLASS_METRICS)
    assert said == [list(names) for names in tasks]
    assert set(SCHEMAS[ENVELOPE]["properties"]["type"]["enum"]) == TYPES
    assert set(SCHEMAS["repro:output/audit-verify"]["properties"]["verdict"]["enum"]) == set(EXIT)
    for name, meaning in (("diff", MEANING), ("data-diff", comparison.MEANING)):
        assert SCHEMAS[f"repro:output/{name}"]["properties"]["verdict"]["enum"] == list(meaning)
    quantiles = SCHEMAS["repro:output/data-describe"]["$defs"]["column"]["properties"]["quantiles"]
    assert list(quantiles["properties"]) == [str(share) for share in QUANTILES]


def test_a_comparison_group_has_exactly_the_documented_names():
    assert SCHEMAS[COMMON]["$defs"]["comparison_group"]["required"] == [
        "dataset_signature",
        "target_signature",
        "feature_signature",
        "hyperparameters_signature",
        "split_signature",
        "routing_signature",
        "train_seed",
        "replicate_key",
        "strict_key",
        "execution_key",
    ]


# --- what was made, against them -----------------------------------------------------------------


@pytest.mark.parametrize("name", WHOLE)
def test_everything_that_was_made_fits_its_schema(world, name):
    found = world.instances(name)
    assert found, "nothing that the commands made is of this schema"
    assert [faults(name, value) for value in found] == [[] for _ in found]


def test_every_type_in_the_log_has_a_schema(world):
    written = {record["type"] for record in world.records()}
    assert {f"repro:records/{type_}" for type_ in written} <= set(WHOLE)
    assert written >= ENDS


def test_a_run_has_exactly_the_files_that_have_schemas(world):
    folders = list((world.root / "RESULTS" / "runs").rglob("snapshot.json"))
    assert len(folders) == 15
    for snapshot in folders:
        assert sorted(path.stem for path in snapshot.parent.glob("*.json")) == list(RUN_FILES)


@pytest.mark.parametrize("kind", ["run.interrupted", "command.interrupted"])
def test_an_interruption_says_why_in_words_and_older_logs_are_of_the_schema(kind):
    body = {"run": GONE, "plan": 7}
    if kind == "command.interrupted":
        body["run"] = f"command-{GONE}"
    for reason in (running.GONE, "the user stopped it", "the notary is gone"):
        assert faults(f"repro:records/{kind}", {**body, "reason": reason}) == []
    assert faults(f"repro:records/{kind}", {**body, "reason": "for fun"}) != []
    assert "without a word" in running.GONE
    assert "notary" not in running.GONE


def test_both_reasons_of_an_interruption_occur(world):
    bodies = world.instances("repro:records/run.interrupted")
    assert [body["reason"] for body in bodies] == ["the user stopped it", running.GONE]
    assert bodies[1]["run"] == GONE
    commands = world.instances("repro:records/command.interrupted")
    assert {body["reason"] for body in commands} == {body["reason"] for body in bodies}
    assert len(commands) == 2


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_result_names_its_command(world, name):
    assert {document["command"] for document in world.instances(name)} == {COMMANDS[name]}


def test_stdout_is_one_document_and_nothing_else(world):
    assert all(isinstance(world.document(scene), dict) for scene in world.results)


def test_a_status_in_a_result_is_the_status_of_the_command(world):
    for scene, said in world.results.items():
        document = world.document(scene)
        expected = document.get("error", document).get("exit_status", said.status)
        assert (scene, expected) == (scene, said.status)


def test_what_goes_well_writes_no_talk_when_quiet(world):
    scenes = ("train", "verify", "validate", "lint", "runs list", "runs show", "same", "audit")
    for scene in (*scenes, "data", "data described", "data same"):
        assert world.results[scene].err == ""


@pytest.mark.parametrize(
    ("scene", "kind", "status"),
    [
        ("unknown key", "ProblemsError", 2),
        ("no run", "UsageError", 2),
        ("usage", "MissingParameter", 2),
        ("no file", "InputError", 3),
        ("refused", "InputError", 3),
        ("no checkpoint", "LogUnusableError", 3),
        ("incident", "DeterminismError", 5),
        ("tampered run", "IntegrityError", 4),
        ("tampered config", "IntegrityError", 4),
        ("failed", "TrainingError", 6),
        ("exec nothing", "NotFoundError", 127),
        ("interrupted", "InterruptedRunError", 130),
    ],
)
def test_an_error_is_a_document_too(world, scene, kind, status):
    document = world.document(scene)
    assert faults(ERROR, document) == []
    assert (document["error"]["kind"], world.results[scene].status) == (kind, status)
    assert document["error"]["problem"] in world.results[scene].err


@pytest.mark.parametrize(
    ("scene", "status", "verdict"),
    [
        ("same", 0, "identical"),
        ("seed", 1, "too few replicates"),
        ("target", 1, "explained"),
        ("data same", 0, "same"),
        ("data other", 1, "different"),
        ("verify", 0, "reproduced"),
        ("verify other data", 1, "not reproduced"),
        ("audit", 0, "ok"),
    ],
)
def test_the_scenes_are_what_they_were_meant_to_be(world, scene, status, verdict):
    assert (world.results[scene].status, world.document(scene)["verdict"]) == (status, verdict)


@pytest.mark.parametrize(
    ("scene", "status"),
    [(s, 0) for s in ("lift", "seal again", "rotate", "retain", "prune", "trust", "erase")]
    + [("ask", 0), ("ask nobody", 1)],
)
def test_the_scenes_of_the_second_log_end_as_meant(world, scene, status):
    assert world.results[scene].status == status, world.results[scene]


def test_a_finding_reaches_snapshot_and_result(world):
    assert world.document("other target")["leakage"]["findings"]
    assert world.document("invalid")["problems"]
    linted = world.document("lint")
    assert ([len(linted[key]) for key in ("problems", "waivers")], linted["files"]) == ([1, 1], 1)


# --- that they can refuse ------------------------------------------------------------------------


def places(rule: Any, value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield each schema of an object with properties that ``value`` meets, and the path to there.

    Neither a schema of the configuration is followed nor one of a whole document: each is tested
    where it is at home.
    """
    to = rule.get("$ref", "")
    if "#" in to and not to.startswith("repro:config/"):
        yield from places(REGISTRY.resolver().lookup(to).contents, value, path)
    for branch in (*rule.get("anyOf", ()), *rule.get("oneOf", ())):
        if Draft202012Validator(branch, registry=REGISTRY).is_valid(value):
            yield from places(branch, value, path)
    if isinstance(value, dict):
        if "properties" in rule:
            yield rule, path
        rest = rule.get("additionalProperties") or {}
        for key, child in value.items():
            yield from places(rule.get("properties", {}).get(key, rest), child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from places(rule.get("items", {}), child, (*path, index))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """Return ``value`` with a change at a path; what is there stays as it is."""
    if not path:
        return change(value)
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


def met(world: World, name: str) -> list[tuple[Any, tuple[Any, ...], Any]]:
    """Return each schema of an object once, with the shortest document that meets it, and where."""
    if name not in world.meetings:
        found: dict[int, tuple[Any, tuple[Any, ...], Any]] = {}
        for value in sorted(world.instances(name), key=lambda value: len(json.dumps(value))):
            for rule, path in places(SCHEMAS[name], value):
                found.setdefault(id(rule), (rule, path, value))
        world.meetings[name] = list(found.values())
    return world.meetings[name]


@pytest.mark.parametrize("name", WHOLE)
def test_a_document_that_lacks_a_required_property_is_refused(world, name):
    accepted = [
        (path, key)
        for rule, path, value in met(world, name)
        for key in rule["required"]
        if validator(name).is_valid(
            changed(value, path, lambda v, key=key: {k: x for k, x in v.items() if k != key})
        )
    ]
    assert accepted == []


@pytest.mark.parametrize("name", WHOLE)
def test_a_document_with_an_unknown_property_is_refused(world, name):
    accepted = [
        path
        for _, path, value in met(world, name)
        if validator(name).is_valid(changed(value, path, lambda v: {**v, "unheard_of": 1}))
    ]
    assert accepted == []


def test_a_result_that_holds_another_snapshot_is_refused(world):
    shown = world.document("runs show")
    wrong = changed(shown, ("snapshot", "comparison_group"), lambda v: v | {"unheard_of": 1})
    assert faults("repro:output/runs-show", shown) == []
    assert faults("repro:output/runs-show", wrong) != []


def test_every_object_in_every_schema_occurs(world):
    occurred = {id(rule) for name in WHOLE for rule, _, _ in met(world, name)}
    missing = [
        (name, list(rule["properties"]))
        for name in OURS
        for rule in rules(SCHEMAS[name])
        if "properties" in rule and id(rule) not in occurred
    ]
    commit = [] if shutil.which("git") else [(COMMON, ["commit", "dirty"])]
    assert missing == commit
