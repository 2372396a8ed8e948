"""Model files are read as docs/formats.md says, by NumPy alone, and predict what the models do."""

import json
import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from repro.facts.trainers import declarations
from repro.trainers.contract import Job

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
DECLARED = declarations()
WORD = re.compile(r"`([^`]+)`")
QUICK = {
    "lightgbm": {"num_iterations": 3},
    "xgboost": {"num_boost_round": 3},
    "mlp": {"max_epochs": 3, "hidden_layer_sizes": [5, 3], "batch_size": 32},
    "random_forest": {"n_estimators": 4},
    "extra_trees": {"n_estimators": 4},
    "hist_gradient_boosting": {"max_iter": 4},
}


def table():
    """Return each family's file, and what the page names of it."""
    (found,) = re.findall(r"^\| families \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.M)
    lines = [line.strip("|").split("|") for line in found.splitlines()]
    return {
        family: (WORD.findall(file)[0], WORD.findall(said))
        for families, file, said in lines
        for family in WORD.findall(families)
    }


TABLE = table()


def data(task):
    """Return rows with gaps, and labels."""
    generator = np.random.default_rng(5)
    x = generator.normal(size=(400, 4))
    signal = x[:, 0] + x[:, 1] ** 2 + generator.normal(scale=0.5, size=400)
    x[::11, 2] = np.nan
    cuts = {"regression": None, "binary": [0.8], "multiclass": [0.2, 1.4]}[task]
    return x, signal if cuts is None else np.searchsorted(cuts, signal).astype(float)


def saved(family, task, folder):
    """Fit a family, and return its predictions and the saved file."""
    declared = DECLARED[family]
    module = __import__(declared.module, fromlist=["fit"])
    path = files("repro.template.CONFIG") / "defaults" / "model_config" / f"{family}.yaml"
    base = yaml.safe_load(path.read_text("utf-8"))["hyperparameters"]
    parameters = {**base, **QUICK.get(family, {}), **declared.forced("strict")}
    classes = {"regression": 0, "binary": 2, "multiclass": 3}[task]
    seeds = dict.fromkeys(declared.seeds, 3)
    x, y = data(task)
    job = Job(task, ["a", "b", "c", "d"], parameters, seeds, 1, None, classes)
    model = module.fit(job, x, y, lambda *_: None)
    file = folder / f"model{module.EXTENSION}"
    module.save(model, file)
    return x, module.predict(model, x, 1), file


def logistic(z):
    return 1 / (1 + np.exp(-z))


def likely(task, z):
    """Return the prediction of what was added up, (rows, outputs)."""
    if task == "multiclass":
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return logistic(z[:, 0]) if task == "binary" else z[:, 0]


def prepared(x, arrays):
    x = np.where(np.isnan(x), arrays["fill"], x)
    constant = arrays["scale"] == 0
    return np.where(constant, 0, (x - arrays["center"]) / np.where(constant, 1, arrays["scale"]))


def linear(x, arrays, parameters):
    coefficients = arrays["coefficients"].reshape(x.shape[1], -1)
    return likely(parameters["task"], prepared(x, arrays) @ coefficients + arrays["intercept"])


def mlp(x, arrays, parameters):
    hidden = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "logistic": logistic}
    values, last = prepared(x, arrays), len(parameters["hidden_layer_sizes"])
    for n in range(last + 1):
        values = values @ arrays[f"weights_{n}"] + arrays[f"biases_{n}"]
        values = hidden[parameters["activation"]](values) if n < last else values
    return likely(parameters["task"], values)


def trees_of(arrays):
    ends = np.cumsum([0, *arrays["counts"]])
    return [slice(start, end) for start, end in pairwise(ends)]


def leaf_of(nodes, row, names):
    """Return the number of the leaf of a tree that a row comes to."""
    is_leaf, feature, threshold, left, right = names
    at = 0
    while not (nodes[at]["left_child"] == -1 if is_leaf is None else nodes[at][is_leaf]):
        node = nodes[at]
        value = row[node[feature]]
        goes_left = node["missing_go_to_left"] if np.isnan(value) else value <= node[threshold]
        at = int(node[left] if goes_left else node[right])
    return at


def forest(x, arrays, parameters):
    names = (None, "feature", "threshold", "left_child", "right_child")
    total = 0
    for tree in trees_of(arrays):
        nodes, values = arrays["nodes"][tree], arrays["values"][tree]
        total = total + np.array([values[leaf_of(nodes, row, names)] for row in np.float32(x)])
    mean = total / len(arrays["counts"])
    return {"regression": mean[:, 0], "binary": mean[:, -1]}.get(parameters["task"], mean)


def histograms(x, arrays, parameters):
    names = ("is_leaf", "feature_idx", "num_threshold", "left", "right")
    total = np.zeros((len(x), len(arrays["baseline"]))) + arrays["baseline"]
    for n, tree in enumerate(trees_of(arrays)):
        nodes = arrays["nodes"][tree]
        found = [nodes[leaf_of(nodes, row, names)]["value"] for row in x]
        total[:, n % total.shape[1]] += found
    return likely(parameters["task"], total)


READERS = {
    **dict.fromkeys(("ridge", "elasticnet", "logistic_regression"), linear),
    "mlp": mlp,
    **dict.fromkeys(("random_forest", "extra_trees"), forest),
    "hist_gradient_boosting": histograms,
}
CASES = [(family, task) for family in READERS for task in DECLARED[family].tasks]


@pytest.mark.parametrize(("family", "task"), CASES)
def test_an_npz_is_read_as_the_page_says(family, task, tmp_path):
    x, expected, path = saved(family, task, tmp_path)
    assert path.name == TABLE[family][0]
    file = np.load(path, allow_pickle=False)
    parameters = json.loads(file["parameters.json"])
    arrays = {name: file[name] for name in file.files if name != "parameters.json"}
    named = TABLE[family][1]
    if family == "mlp":
        assert set(arrays) == {*named, "weights_1", "biases_1", "weights_2", "biases_2"}
    else:
        assert set(arrays) == set(named)
    assert (parameters["family"], parameters["task"]) == (family, task)
    assert parameters["features"] == ["a", "b", "c", "d"]
    assert parameters.get("report", parameters)["effective"]
    rows = x[:60]
    np.testing.assert_allclose(READERS[family](rows, arrays, parameters), expected[:60], rtol=1e-9)


def test_the_formats_of_the_libraries_have_what_the_page_names(tmp_path):
    _, _, path = saved("lightgbm", "regression", tmp_path)
    assert path.name == TABLE["lightgbm"][0]
    text = path.read_text()
    head = text.partition("Tree=0")[0]
    assert "\nobjective=regression" in head
    assert "\nfeature_names=a b c d\n" in head
    assert "\nparameters:" in text.partition("Tree=2")[2]
    _, _, path = saved("xgboost", "regression", tmp_path)
    assert path.name == TABLE["xgboost"][0]
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(path)
    learner = json.loads(booster.save_raw("json"))["learner"]
    assert learner["feature_names"] == ["a", "b", "c", "d"]
    assert "objective" in learner
    assert len(learner["gradient_booster"]["model"]["trees"]) == 3


def test_the_page_has_every_family_of_ours():
    ours = {name for name, about in DECLARED.items() if about.distribution == "repro-audit"}
    assert set(TABLE) == ours
