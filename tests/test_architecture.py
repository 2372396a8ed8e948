"""The arrows between rooms, and the rules that a static import contract cannot say.

The floors, and what is reached through a third, are in .importlinter (`make imports`). Here each
import statement meets a table, so that a module written tomorrow is held from its first line.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FOLDERS = {
    "repro": "repro",
    "audit_log": "repro.audit_log",
    "trainers": "repro.trainers",
    "schemas": "repro.schemas",
    "CONFIG": "repro.template.CONFIG",
}
"""Where the packages are in the checkout, and what they are called when installed."""

WORKER_SIDE = (
    "repro.conformance.child",
    "repro.execution.fitting",
    "repro.execution.guards.randomness",
    "repro.execution.loading",
    "repro.execution.readback",
    "repro.execution.selecting",
    "repro.execution.supervised",
    "repro.execution.tables",
    "repro.execution.training",
    "repro.execution.worker",
)
"""The modules that run in the child and may know tables and trainers."""

FACTS = ("repro.identity", "repro.audit_log", "repro.errors")

PLAIN = (
    "repro.pipeline.formulas",
    "repro.pipeline.locate",
    "repro.pipeline.merkle",
    "repro.pipeline.metric_names",
)
"""Knowledge of the pipeline that the notary needs too: these import the standard library, and the
log's digests, alone."""

MAY_IMPORT = {
    "audit_log": (),
    "config": ("repro.errors", "repro.identity", "repro.schemas", *PLAIN),
    "errors": (),
    "execution": FACTS,
    "facts": (*FACTS, "repro.execution.command"),
    "identity": ("repro.audit_log", "repro.errors"),
    "lint": FACTS,
    "pipeline": ("repro.audit_log", "repro.errors"),
    "report": FACTS,
    "runs": (*FACTS, *PLAIN),
    "schemas": (),
    "stores": ("repro.audit_log", "repro.errors"),
    "template": (),
    "trainers": (),
}
"""Every room but the front desk, the verbs, sweeping and conformance, which are on one floor."""

NOT_FOR_A_VERB = ("repro.cli", "repro.pipeline", "repro.trainers", *WORKER_SIDE)

TABLES = ("repro.pipeline", "repro.trainers", *WORKER_SIDE)

ONLY_IN = {
    "click": ("repro.cli",),
    "rich": ("repro.cli",),
    "typer": ("repro.cli",),
    "jsonschema": ("repro.config.schema", "repro.config.documents.trainer_faults"),
    "referencing": ("repro.config.schema", "repro.config.documents.trainer_faults"),
    "ruamel": (),
    "yaml": ("repro.config.text", "repro.config.editing.nodes"),
    "subprocess": ("repro.execution",),
    "fsspec": ("repro.stores.remote",),
    "lightgbm": TABLES,
    "numpy": TABLES,
    "pandas": ("repro.pipeline.zoned_times",),
    "pyarrow": ("repro.pipeline.arrow_file", "repro.pipeline.arrow_values"),
    "scipy": TABLES,
    "sklearn": TABLES,
    "threadpoolctl": TABLES,
    "xgboost": TABLES,
}

ML_LIBRARIES = {"lightgbm", "sklearn", "xgboost"}
AUDITOR_INSTALLS = {"blake3", "cryptography"}
AUDITOR_MAY_INSTALL = {"rfc3161_client"}
"""Behind an extra: imported when it is needed, by `repro.audit_log.outside.timestamp` alone."""
SHORT_NAMES = {"audit_log", "trainers", "schemas"}
MAY_PRINT = ("repro.cli", "repro.audit_log.__main__")
LONGEST_MODULE = 350


@dataclass(frozen=True, slots=True)
class Module:
    """One source file under its installed name."""

    name: str
    path: str
    source: str

    @property
    def room(self) -> str:
        """The part after ``repro``; empty for ``repro/__init__.py`` itself."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def package(self) -> str:
        """What a relative import of one dot starts from."""
        is_package = self.path.endswith("__init__.py")
        return self.name if is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name, as far as it is spelled out: ``from a import b`` is ``a.b``."""

    name: str
    line: int
    deferred: bool
    """In a function or under ``TYPE_CHECKING``: importing the module does not run it."""


def product() -> list[Module]:
    """Return every module that is shipped."""
    modules = []
    for folder, name in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            dotted = ".".join((name, *parts)).removesuffix(".__init__")
            modules.append(Module(dotted, str(path.relative_to(ROOT)), path.read_text("utf-8")))
    return modules


def beside() -> list[Module]:
    """Return the tests and benchmarks, which import the product and are not it."""
    paths = [path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    return [
        Module(path.stem, str(path.relative_to(ROOT)), path.read_text("utf-8"))
        for path in sorted(paths)
    ]


def imports(module: Module) -> Iterator[Import]:
    """Yield every import statement's names, in relative ones with the dots resolved."""
    yield from _imports(module, ast.parse(module.source), deferred=False)


def _imports(module: Module, parent: ast.AST, *, deferred: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(parent):
        later = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        later = later or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, deferred)
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:
                package = module.package.split(".")[: -node.level + 1 or None]
                start = ".".join((*package, *filter(None, [start])))
            for alias in node.names:
                yield Import(f"{start}.{alias.name}", node.lineno, deferred)
        else:
            yield from _imports(module, node, deferred=later)


def within(name: str, places: tuple[str, ...]) -> bool:
    """Return whether ``name`` is one of ``places`` or lies in one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def wrong_arrows(module: Module) -> Iterator[str]:
    """Yield each import of ours that the module's room may not make."""
    for item in imports(module):
        if not within(item.name, ("repro",)) or allowed(module, item.name):
            continue
        yield f"{module.path}:{item.line}: {module.name} may not import {item.name}"


def allowed(module: Module, name: str) -> bool:
    """Return whether the arrow from ``module`` to ``name``, one of ours, is drawn."""
    if name == "repro.__version__" or within(name, (f"repro.{module.room or '-'}",)):
        return True
    if within(module.name, WORKER_SIDE) and within(name, TABLES):
        return True
    if module.room in MAY_IMPORT:
        return within(name, MAY_IMPORT[module.room])
    if within(name, PLAIN):
        return True
    if module.room in ("cli", "__main__"):
        return not within(name, NOT_FOR_A_VERB[1:])
    return not within(name, NOT_FOR_A_VERB)


def libraries_out_of_place(module: Module) -> Iterator[str]:
    """Yield each library that another room owns."""
    for item in imports(module):
        owners = ONLY_IN.get(item.name.split(".")[0])
        if owners is not None and not within(module.name, owners):
            yield f"{module.path}:{item.line}: {item.name} belongs to {', '.join(owners)}"


def more_than_an_auditor_has(module: Module) -> Iterator[str]:
    """Yield what the log imports beyond the standard library, blake3 and cryptography."""
    also = AUDITOR_INSTALLS
    if module.name == "repro.audit_log.outside.timestamp":
        eager = {item.name.split(".")[0] for item in imports(module) if not item.deferred}
        also = also | (AUDITOR_MAY_INSTALL - eager)
    yield from _beyond_stdlib(module, ("repro.audit_log",), also)


def plain_beyond_stdlib(module: Module) -> Iterator[str]:
    """Yield what keeps the notary's share of the pipeline from being plain Python."""
    digests = "repro.audit_log.formats.digests"
    for complaint in _beyond_stdlib(module, PLAIN, set()):
        if f" {digests}." not in complaint:
            yield complaint


def _beyond_stdlib(module: Module, places: tuple[str, ...], also: set[str]) -> Iterator[str]:
    if within(module.name, places):
        for item in imports(module):
            top = item.name.split(".")[0]
            if top not in sys.stdlib_module_names | also and not within(item.name, places):
                yield f"{module.path}:{item.line}: {item.name} is not in the standard library"


def eager_ml_libraries(module: Module) -> Iterator[str]:
    """Yield ML libraries that importing a trainer would import, before anyone asked it to train."""
    if module.room == "trainers":
        for item in imports(module):
            if item.name.split(".")[0] in ML_LIBRARIES and not item.deferred:
                yield f"{module.path}:{item.line}: import {item.name} inside the function"


def short_names(module: Module) -> Iterator[str]:
    """Yield imports by a folder's name: they make two copies of a class, or a stranger's code."""
    for item in imports(module):
        if item.name.split(".")[0] in SHORT_NAMES:
            yield f"{module.path}:{item.line}: {item.name} is called repro.{item.name}"


def stray_prints(module: Module) -> Iterator[str]:
    """Yield calls of ``print`` outside the two commands."""
    for node in ast.walk(ast.parse(module.source)):
        is_print = isinstance(node, ast.Name) and node.id == "print"
        if is_print and not within(module.name, MAY_PRINT):
            yield f"{module.path}:{node.lineno}: print"


def overlong(module: Module) -> Iterator[str]:
    """Yield the module's length, if it hides a second noun."""
    lines = module.source.count("\n")
    if lines > LONGEST_MODULE:
        yield f"{module.path}: {lines} lines, more than {LONGEST_MODULE}"


RULES = [
    wrong_arrows,
    libraries_out_of_place,
    more_than_an_auditor_has,
    plain_beyond_stdlib,
    eager_ml_libraries,
    short_names,
    stray_prints,
    overlong,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(rule):
    assert [complaint for module in product() for complaint in rule(module)] == []


def test_tests_and_benchmarks_use_the_installed_names():
    assert [complaint for module in beside() for complaint in short_names(module)] == []


def test_the_scan_sees_the_whole_house():
    names = {module.name for module in product()}
    assert len(names) > 20
    assert {"repro", "repro.errors", "repro.audit_log", "repro.trainers", "repro.schemas"} <= names
    assert "test_architecture" in {module.name for module in beside()}


def planted(name: str, source: str) -> Module:
    """Return a module that is not there."""
    folder, _, rest = name.partition(".")
    return Module(name, f"{folder}/{rest.replace('.', '/')}.py", source)


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (wrong_arrows, "repro.identity.seeds", "import repro.runs.index"),
        (wrong_arrows, "repro.identity.seeds", "from repro import runs"),
        (wrong_arrows, "repro.identity.seeds", "from ..config import tree"),
        (wrong_arrows, "repro.identity.seeds", "from ..cli.app import main"),
        (wrong_arrows, "repro.identity.seeds", "def f():\n    from repro.facts import data"),
        (wrong_arrows, "repro.config.documents.tree", "from repro.pipeline import features"),
        (wrong_arrows, "repro.config.documents.tree", "import repro"),
        (wrong_arrows, "repro.runs.index", "import repro.verbs.training.train"),
        (wrong_arrows, "repro.execution.launch", "from .. import pipeline"),
        (wrong_arrows, "repro.execution.launch", "import repro.trainers.lightgbm_"),
        (wrong_arrows, "repro.audit_log.storage.store", "from repro.errors import ReproError"),
        (wrong_arrows, "repro.trainers.ridge", "from ..errors import ReproError"),
        (wrong_arrows, "repro.pipeline.panel", "from repro.identity import seeds"),
        (wrong_arrows, "repro.verbs.training.train", "from repro.execution import worker"),
        (wrong_arrows, "repro.verbs.training.train", "from repro.cli import render"),
        (wrong_arrows, "repro.cli.train", "from repro.pipeline import panel"),
        (libraries_out_of_place, "repro.verbs.training.train", "import typer"),
        (libraries_out_of_place, "repro.report.page", "from rich.table import Table"),
        (libraries_out_of_place, "repro.cli.show", "import yaml"),
        (libraries_out_of_place, "repro.cli.show", "from jsonschema import Draft202012Validator"),
        (libraries_out_of_place, "repro.facts.code", "from subprocess import run"),
        (libraries_out_of_place, "repro.facts.data", "def f():\n    import pandas as pd"),
        (libraries_out_of_place, "repro.execution.launch", "import numpy.typing as npt"),
        (more_than_an_auditor_has, "repro.audit_log.verification.walk", "import orjson"),
        (more_than_an_auditor_has, "repro.audit_log.outside.timestamp", "import rfc3161_client"),
        (
            more_than_an_auditor_has,
            "repro.audit_log.verification.walk",
            "def f():\n    import rfc3161_client",
        ),
        (plain_beyond_stdlib, "repro.pipeline.formulas", "import numpy"),
        (plain_beyond_stdlib, "repro.pipeline.formulas", "from .panel import Panel"),
        (eager_ml_libraries, "repro.trainers.ridge", "from sklearn.linear_model import Ridge"),
        (eager_ml_libraries, "repro.trainers.ridge", "class A:\n    import sklearn"),
        (short_names, "repro.runs.seal", "import audit_log.store"),
        (short_names, "test_log", "from trainers import contract"),
        (stray_prints, "repro.runs.seal", "print(1)"),
        (stray_prints, "repro.audit_log.verification.walk", "map(print, [])"),
        (overlong, "repro.runs.seal", "\n" * (LONGEST_MODULE + 1)),
    ],
)
def test_a_planted_violation_is_found(rule, name, source):
    assert len(list(rule(planted(name, source)))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("repro.identity.seeds", "from repro.audit_log.formats.digests import digest"),
        ("repro.identity.seeds", "from . import keys\nfrom .keys import key\nimport json"),
        ("repro.config.checks.cross", "from repro.pipeline.formulas import FORMULAS"),
        ("repro.config.text.events", "import yaml\nfrom repro import errors, schemas"),
        ("repro.execution.worker", "import numpy\nfrom repro.pipeline import panel"),
        ("repro.execution.worker", "from ..trainers import contract"),
        ("repro.facts.code", "from repro.execution.command import output"),
        ("repro.trainers.ridge", "import numpy\ndef fit():\n    import sklearn"),
        (
            "repro.verbs.training.train",
            "from repro import config, facts\nimport repro.verbs.configuring.validate",
        ),
        ("repro.cli.train", "import typer\nfrom repro.verbs.training.train import train\nprint(1)"),
        ("repro.__main__", "def main():\n    from repro import __version__\n    import repro.cli"),
    ],
)
def test_what_the_map_allows_is_left_alone(name, source):
    assert [complaint for rule in RULES for complaint in rule(planted(name, source))] == []
