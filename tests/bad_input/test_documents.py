"""Documents of ``CONFIG`` that cannot be read, are not valid, or contradict each other."""

from __future__ import annotations

import pytest

from .workspace import Workspace

MODEL = "CONFIG/model_config/lightgbm.yaml"
DEFAULTS = "CONFIG/defaults/model_config/lightgbm.yaml"
REGISTRY = "CONFIG/data/feature_registry.yaml"


def refuse(workspace: Workspace, *says: str) -> None:
    """Fail unless the problems are found, with ``says``, and nothing changes."""
    workspace.refuse("train", status=1, says=(*says, "in the configuration"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hyperparameters: {learning_rate: 0.1\n", f"{MODEL}:"),
        (b"hyperparameters:\n\tlearning_rate: 0.1\n", f"{MODEL}:2:1:"),
        (b"hyperparameters:\n  eta: 0.1\n  eta: 0.2\n", f"{MODEL}:3:3:"),
        (b"hyperparameters: !!python/object:os.system {}\n", f"{MODEL}:1:18:"),
        (b"", f"{MODEL}:1:1:"),
        (b"- a\n- list\n", f"{MODEL}:1:1:"),
        (b"just words\n", f"{MODEL}:1:1:"),
        (b"\xff\xfeh\0y\0p\0", f"{MODEL}:1:1:"),
        (b"hyperparameters: \0\n", f"{MODEL}:1:"),
        (b"hyperparameters: \xe9\n", f"{MODEL}:1:"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", f"{MODEL}:1:1:"),
        (b"a: " + b"[" * 3000, f"{MODEL}:1:"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nhyperparameters: [*b, *b]\n", f"{MODEL}:"),
        (b"hyperparameters: {}\n---\nhyperparameters: {}\n", f"{MODEL}:"),
    ],
    ids=[
        "unclosed",
        "tab",
        "twice",
        "tag",
        "empty",
        "list",
        "scalar",
        "utf-16",
        "zero",
        "latin-1",
        "picture",
        "deep",
        "alias",
        "two",
    ],
)
def test_a_document_that_is_no_yaml_of_ours_is_named_with_its_place(
    shared: Workspace, content: bytes, says: str
) -> None:
    with shared.holding(MODEL, content):
        shared.refuse("train", status=1, says=(says, "in the configuration"))


def test_an_unknown_key_gets_the_nearest_one(shared: Workspace) -> None:
    with shared.edited(MODEL, "  num_leaves: 15\n", "  num_leavs: 15\n"):
        refuse(shared, f"{MODEL}:8:3:", "num_leavs", "did you mean num_leaves?")


def test_two_names_of_one_parameter_in_one_file_are_refused_with_both_lines(
    shared: Workspace,
) -> None:
    with shared.edited(MODEL, "  num_leaves: 15\n", "  num_leaves: 15\n  max_leaves: 31\n"):
        refuse(shared, f"{MODEL}:9:3:", "another name of num_leaves, which line 8 sets already")


def test_a_parameter_that_nobody_wrote_down_is_missed_by_name(shared: Workspace) -> None:
    with (
        shared.edited(MODEL, "  max_depth: 5\n", ""),
        shared.edited(DEFAULTS, "  max_depth: -1                    # no limit\n", ""),
    ):
        refuse(shared, MODEL, "missing: max_depth", "write the value")


def test_a_parameter_that_strict_mode_forces_is_refused_in_a_document(shared: Workspace) -> None:
    with shared.edited(MODEL, "  max_depth: 5\n", "  max_depth: 5\n  deterministic: false\n"):
        refuse(shared, f"{MODEL}:10:3:", "deterministic", "strict mode forces it to true")


def test_a_purge_shorter_than_the_horizon_is_refused_where_it_is_written(shared: Workspace) -> None:
    with shared.edited("CONFIG/training_config/splits_config.yaml", "purge: 5 ", "purge: 4 "):
        refuse(
            shared,
            "CONFIG/training_config/splits_config.yaml:9:10: splits.purge: 4 is shorter",
            "the horizon of fwd_ret_5d, 5",
            "set it to 5 or more",
        )


@pytest.mark.parametrize(
    "formula",
    [
        "{kind: column, column: Adj Close}",
        "{kind: lag, column: Adj Close, periods: 1}",
        "{kind: rolling_mean, column: Adj Close, window: 2}",
        "{kind: rank, formula: {kind: column, column: Adj Close}}",
    ],
)
def test_a_feature_that_shows_the_level_of_the_adjusted_close_is_refused(
    shared: Workspace, formula: str
) -> None:
    lookback = 0 if "kind: column" in formula else 1
    feature = (
        f"registry:\n  price:\n    description: The price.\n    formula: {formula}\n"
        f"    lookback: {lookback}\n    lag: 0\n    allowed_horizons: any\n    version: 1\n"
    )
    with (
        shared.edited(REGISTRY, "registry:\n", feature),
        shared.edited(REGISTRY, "selected:\n", "selected:\n  - price\n"),
    ):
        says = (f"{REGISTRY}:", "price.formula", "'Adj Close', which must not be a feature")
        shared.refuse("train", status=1, says=(*says, "use a ratio of it"))


def test_a_stated_lookback_that_is_too_short_is_refused(shared: Workspace) -> None:
    old = "periods: 60}\n    lookback: 60"
    with shared.edited(REGISTRY, old, "periods: 60}\n    lookback: 6"):
        refuse(shared, REGISTRY, "lookback", "6 is not what the formula needs, 60")


def test_a_formula_over_a_column_that_is_not_declared_gets_the_nearest_one(
    shared: Workspace,
) -> None:
    with shared.edited("CONFIG/data/dataset.yaml", "    Volume: int64\n", "    Volum: int64\n"):
        refuse(shared, REGISTRY, "no column 'Volume'", "did you mean Volum?")


def test_a_target_whose_name_is_a_path_is_refused(shared: Workspace) -> None:
    with shared.edited("CONFIG/data/targets.yaml", "  fwd_ret_1d:\n", "  ../../../evil:\n"):
        refuse(shared, "CONFIG/data/targets.yaml:", "../../../evil")


def test_a_document_that_is_missing_is_named_with_the_way_to_get_it_back(
    shared: Workspace,
) -> None:
    name = "CONFIG/training_config/safety_config.yaml"
    with shared.holding(name, None):
        refuse(shared, name, "missing", "repro init --add-missing")


def test_a_model_document_that_is_missing_is_named(shared: Workspace) -> None:
    with shared.holding(MODEL, None), shared.holding(DEFAULTS, None):
        says = ("no document for the family 'lightgbm'", f"write {MODEL}")
        shared.refuse("train", status=1, says=says)


def test_a_document_that_nobody_reads_is_refused(shared: Workspace) -> None:
    with shared.holding("CONFIG/data/datasets.yaml", b"dataset: {}\n"):
        refuse(shared, "CONFIG/data/datasets.yaml:1:1:", "nothing reads this file", "data/dataset")


def test_a_document_of_an_unknown_family_stops_only_who_asks_for_it(shared: Workspace) -> None:
    with shared.holding("CONFIG/model_config/xgbost.yaml", b"hyperparameters: {}\n"):
        told = "no trainer offers the family 'xgbost'; did you mean xgboost?"
        found = shared.repro("validate")
        found.require(0)
        assert f"CONFIG/model_config/xgbost.yaml:1:1: warning: model_config.xgbost: {told}" in (
            found.text
        )
        assert "install the package that brings it, or remove the file" in (found.text)
        shared.repro("validate", "--strict").require(1)
        shared.refuse("train", "--family", "xgbost", status=2, says=(told,))


def test_a_document_that_is_a_folder_or_a_link_to_nowhere_is_named(fresh: Workspace) -> None:
    (fresh.root / MODEL).unlink()
    (fresh.root / MODEL).mkdir()
    fresh.refuse("train", status=3, says=(f"{MODEL} cannot be read: it is a directory",))
    (fresh.root / MODEL).rmdir()
    (fresh.root / MODEL).symlink_to("nowhere.yaml")
    fresh.refuse("train", status=3, says=(f"{MODEL} cannot be read: a link to 'nowhere.yaml'",))


def test_all_problems_of_all_documents_are_listed_at_once(shared: Workspace) -> None:
    with (
        shared.edited(MODEL, "  learning_rate: 0.01\n", "  learning_rate: 3.0\n"),
        shared.edited(MODEL, "  num_leaves: 15\n", "  num_leavs: 15\n"),
        shared.edited("CONFIG/training_config/splits_config.yaml", "folds: 5", "folds: five"),
        shared.edited("CONFIG/identity_config.yaml", "mode: strict", "mode: strickt"),
    ):
        refuse(
            shared,
            "CONFIG/identity_config.yaml:",
            f"{MODEL}:7:18: hyperparameters.learning_rate: 3.0 is above the maximum, 1",
            f"{MODEL}:8:3:",
            "CONFIG/training_config/splits_config.yaml:",
            "4 problems",
        )
        shared.refuse("validate", status=1, says=("4 problems",))


def test_an_overlay_with_a_key_that_its_base_does_not_have_is_refused(shared: Workspace) -> None:
    name = "CONFIG/model_config/lightgbm_custom.yaml"
    with shared.holding(name, b"hyperparameters:\n  learning_rte: 0.02\n"):
        says = (f"{name}:2:3:", "learning_rte", "did you mean learning_rate?")
        shared.refuse("train", "--config", "lightgbm_custom", status=1, says=says)


def test_an_overlay_that_is_a_file_of_unknown_meaning_is_refused(shared: Workspace) -> None:
    with shared.holding("mine.yaml", b"hyperparameters: {}\n"):
        says = ("mine.yaml: nothing says which document", "lightgbm_custom.yaml")
        shared.refuse("train", "--config", "mine.yaml", status=2, says=says)
